import type { EnvironmentCheck } from '../doctor/check-environment.ts'

const READS = {
  other_value: 'another value',
  nothing: 'nothing',
  extra_variable: 'a variable that ops does not read',
} as const

/** Everything that was found, a line each; empty where all is well. */
export function environmentSheet({ missingFiles, otherReadings, unreadable, fromShell }: EnvironmentCheck): string[] {
  return [
    ...missingFiles.map(({ service, file }) => `${service}: there is no ${file}`),
    ...unreadable.map(({ service, name, why }) => `${service}: systemd would pass over ${name}: ${why}`),
    ...fromShell.map(
      (name) => `${name} comes from this shell, and no unit has it: put it into the worker's env or envFile`,
    ),
    ...otherReadings.map(
      ({ file, line, name, reader, reads }) => `${file}:${line}: ${name}: ${reader} reads ${READS[reads]}`,
    ),
  ]
}

/** The names of the variables, a service a line. */
export function namesSheet(variables: EnvironmentCheck['variables']): string {
  return Object.entries(variables)
    .map(([service, names]) => `${service}: ${names.join(' ')}`.trim())
    .join('\n')
}

/** Reads what `namesSheet` has written, on another machine. */
export function parseNames(text: string): EnvironmentCheck['variables'] {
  const lines = text.split('\n').map((line) => /^([a-z][a-z0-9-]*):(.*)$/.exec(line.trim()))
  return Object.fromEntries(
    lines
      .filter((match) => match !== null)
      .map(([, service, names]) => [service!, names!.split(' ').filter((name) => name !== '')]),
  )
}
