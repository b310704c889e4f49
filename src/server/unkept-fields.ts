import type { Config, Service } from '../config/config.ts'
import { dependencies } from '../development/plan-services.ts'
import { fitsOnOneLine } from '../systemd/directive.ts'

/**
 * What a configuration asks for and systemd cannot keep, each with the field that asks: told before anything is
 * installed, since systemd itself would do something else without a word.
 */
export function unkeptFields({ services = {}, worker = {} }: Config): string[] {
  const all = new Map(Object.entries(services).filter(([, { only }]) => only !== 'development'))
  return [
    ...[...all].flatMap(([name, service]) => [
      ...unkeptDependencies(name, service, all),
      ...unkeptRestart(name, service, all),
      ...unwritable(`services.${name}`, service),
    ]),
    ...unwritable('worker', worker),
  ]
}

type Services = ReadonlyMap<string, Service>

/** To systemd a unit has started when its ExecStartPost= is through, and a oneshot when it has ended. */
function unkeptDependencies(name: string, service: Service, all: Services): string[] {
  return dependencies(service, all)
    .filter(({ until }) => until === 'started')
    .flatMap(({ name: wanted }) => {
      const { oneshot, ready } = all.get(wanted)!
      const path = `services.${name}.dependsOn.${wanted}`
      if (oneshot) return [`${path}: systemd waits until "${wanted}" has ended, not only started: say "completed"`]
      if (ready === undefined) return []
      return [`${path}: systemd waits until the "ready" of "${wanted}" answers, not only for its start: say "ready"`]
    })
}

/** A unit that will be tried again has failed all the same, and with it the start of those that require it. */
function unkeptRestart(name: string, { oneshot, restart }: Service, all: Services): string[] {
  if (!oneshot || restart !== 'on-failure') return []
  const waiting = [...all].flatMap(([other, service]) =>
    dependencies(service, all).some((one) => one.name === name) ? [`"${other}"`] : [],
  )
  if (waiting.length === 0) return []
  return [
    `services.${name}.restart: systemd gives up ${waiting.join(' and ')} at its first failure, also when a later try succeeds: leave "restart" out`,
  ]
}

/** Paths that no directive can hold. */
function unwritable(path: string, { cwd, allow, credentials }: Partial<Service>): string[] {
  const values: [string, string][] = [
    ...(cwd === undefined ? [] : [[`${path}.cwd`, cwd] as [string, string]]),
    ...(allow?.writePaths ?? []).map((folder): [string, string] => [`${path}.allow.writePaths`, folder]),
    ...Object.entries(credentials ?? {}).map(([name, file]): [string, string] => [`${path}.credentials.${name}`, file]),
  ]
  return values
    .filter(([, value]) => !fitsOnOneLine(value))
    .map(
      ([field, value]) =>
        `${field}: systemd has no way to write ${JSON.stringify(value)}, with its control character, or its space or "\\" at an end`,
    )
}
