import { existsSync, readFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { parse } from 'dotenv'
import type { Config } from '../config/config.ts'
import { type EnvDifference, envDifferences } from '../development/env-readers.ts'
import type { Problem } from '../errors.ts'
import type { Project } from '../project/open-project.ts'
import { whyUnsupported } from '../systemd/environment-file.ts'

/** The names of the variables of each service and of `worker`. */
export type VariableNames = Readonly<Record<string, readonly string[]>>

export interface EnvironmentCheck {
  readonly variables: VariableNames
  /** Without a value in them. */
  readonly problems: Problem[]
}

/** Checks the variables of the services and the worker that run on a server. */
export function checkEnvironment(
  { config, directory, file }: Pick<Project, 'config' | 'directory' | 'file'>,
  env: NodeJS.ProcessEnv,
): EnvironmentCheck {
  const texts = new Map<string, string>()
  const variables: Record<string, string[]> = {}
  const missingFiles: Problem[] = []
  const unsupported: Problem[] = []
  for (const { service, envFiles, env: own } of servicesOf(config)) {
    const merged: Record<string, string> = {}
    for (const name of envFiles) {
      const path = resolve(directory, name)
      if (!existsSync(path)) missingFiles.push(warning('ENV_FILE_NOT_FOUND', service, `${name} not found`))
      else {
        if (!texts.has(path)) texts.set(path, readFileSync(path, 'utf8'))
        Object.assign(merged, parse(texts.get(path)!))
      }
    }
    Object.assign(merged, own)
    variables[service] = Object.keys(merged).sort()
    for (const [name, value] of Object.entries(merged)) {
      const why = whyUnsupported(name, value)
      if (why !== undefined) {
        unsupported.push(warning('VARIABLE_UNSUPPORTED', service, `systemd ignores ${name}: ${why}`))
      }
    }
  }
  const problems = [
    ...missingFiles,
    ...unsupported,
    ...fromShell(file, env, variables.worker ?? []),
    ...[...texts].flatMap(([path, text]) => differences(relative(directory, path), text)),
  ]
  return { variables, problems }
}

/** Variables that are set here and missing on the server. */
export function missingOnServer(server: VariableNames, here: VariableNames): Problem[] {
  return Object.entries(here).flatMap(([service, names]) =>
    names
      .filter((name) => !(server[service] ?? []).includes(name))
      .map((name) => warning('VARIABLE_MISSING_ON_SERVER', service, `${name} is missing on the server`)),
  )
}

/** One service a line, for `parseVariableNames` on another machine. */
export function formatVariableNames(variables: VariableNames): string {
  return Object.entries(variables)
    .map(([service, names]) => `${service}: ${names.join(' ')}`.trim())
    .join('\n')
}

export function parseVariableNames(text: string): VariableNames {
  const lines = text.split('\n').flatMap((line) => {
    const [, service, names] = /^([a-z][a-z0-9-]*):(.*)$/.exec(line.trim()) ?? []
    return service === undefined ? [] : [[service, names!.split(' ').filter((name) => name !== '')] as const]
  })
  return Object.fromEntries(lines)
}

function servicesOf({ services = {}, worker = {} }: Config) {
  const onServer = Object.entries(services)
    .filter(([, { only }]) => only !== 'development')
    .map(([service, declared]) => ({ service, ...declared }))
  return [...onServer, { service: 'worker', ...worker }].map(({ service, envFile = [], env = {} }) => ({
    service,
    envFiles: [envFile].flat() as string[],
    env,
  }))
}

/** Variables that the configuration file reads from the shell, which a unit does not have. */
function fromShell(file: string | undefined, env: NodeJS.ProcessEnv, ofWorker: readonly string[]): Problem[] {
  if (file === undefined || file.endsWith('.json')) return []
  const uses = readFileSync(file, 'utf8').matchAll(/process\.env(?:\.([A-Za-z_]\w*)|\[['"]([A-Za-z_]\w*)['"]\])/g)
  const names = [...new Set([...uses].map(([, dotted, quoted]) => (dotted ?? quoted)!))].sort()
  return names
    .filter((name) => env[name] !== undefined && !ofWorker.includes(name))
    .map((name) =>
      warning(
        'VARIABLE_OF_SHELL',
        name,
        'set in this shell only, so no unit has it',
        'add it to env or envFile of the worker',
      ),
    )
}

const READS: Readonly<Record<EnvDifference['reads'], string>> = {
  other_value: 'another value',
  nothing: 'nothing',
  extra_variable: 'a variable that ops does not read',
}

function differences(file: string, text: string): Problem[] {
  return envDifferences(text).map(({ line, name, reader, reads }) =>
    warning('VARIABLE_READ_DIFFERENTLY', `${file}:${line}`, `${name}: ${reader} reads ${READS[reads]}`),
  )
}

function warning(code: string, where: string, message: string, ...suggestions: string[]): Problem {
  return { code, severity: 'warning', where, message, suggestions }
}
