import { existsSync, readFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import type { Config } from '../config/config.ts'
import { type EnvDifference, envDifferences } from '../development/env-readers.ts'
import { parseEnvFile } from '../development/service-environment.ts'
import type { Project } from '../project/open-project.ts'
import { unreadable } from '../systemd/environment-file.ts'

export interface EnvironmentCheck {
  /** Whose environment it is: a service, or `worker`. */
  readonly variables: Readonly<Record<string, readonly string[]>>
  readonly missingFiles: readonly { readonly service: string; readonly file: string }[]
  readonly otherReadings: readonly EnvDifference[]
  /** Variables that no unit would get, and why. */
  readonly unreadable: readonly { readonly service: string; readonly name: string; readonly why: string }[]
  /** What the configuration takes from the shell, and a unit has no shell to take it from. */
  readonly fromShell: readonly string[]
}

/** Looks at the variables of the services and the worker, without a value in the answer. */
export function checkEnvironment(
  { config, directory, file }: Pick<Project, 'config' | 'directory' | 'file'>,
  env: NodeJS.ProcessEnv,
): EnvironmentCheck {
  const owners = ownersOf(config)
  const files = new Map<string, string>()
  const missingFiles: { service: string; file: string }[] = []
  const variables: Record<string, string[]> = {}
  const lost: { service: string; name: string; why: string }[] = []
  for (const { service, envFile, env: own } of owners) {
    const merged: Record<string, string> = {}
    for (const named of envFile) {
      const path = resolve(directory, named)
      if (!existsSync(path)) missingFiles.push({ service, file: named })
      else {
        if (!files.has(path)) files.set(path, readFileSync(path, 'utf8'))
        Object.assign(merged, parseEnvFile(files.get(path)!))
      }
    }
    Object.assign(merged, own)
    variables[service] = Object.keys(merged).sort()
    for (const [name, value] of Object.entries(merged)) {
      const why = unreadable(name, value)
      if (why !== undefined) lost.push({ service, name, why })
    }
  }
  const told = variables.worker ?? []
  return {
    variables,
    missingFiles,
    otherReadings: [...files].flatMap(([path, text]) => envDifferences(relative(directory, path), text)),
    unreadable: lost,
    fromShell: namesInConfig(file).filter((name) => env[name] !== undefined && !told.includes(name)),
  }
}

/** What is here and lacking there. */
export function missingIn(
  there: EnvironmentCheck['variables'],
  here: EnvironmentCheck['variables'],
): { service: string; name: string }[] {
  return Object.entries(here).flatMap(([service, names]) =>
    names.filter((name) => !(there[service] ?? []).includes(name)).map((name) => ({ service, name })),
  )
}

function ownersOf({ services = {}, worker = {} }: Config) {
  // What only development runs has no part on a server.
  const all = Object.entries(services)
    .filter(([, { only }]) => only !== 'development')
    .map(([service, declared]) => ({ service, ...declared }))
  return [...all, { service: 'worker', ...worker }].map(({ service, envFile = [], env = {} }) => ({
    service,
    envFile: [envFile].flat() as string[],
    env,
  }))
}

/** The variables that the configuration's own text asks the process for. */
function namesInConfig(file: string | undefined): string[] {
  if (file === undefined || file.endsWith('.json')) return []
  const found = readFileSync(file, 'utf8').matchAll(/process\.env(?:\.([A-Za-z_]\w*)|\[['"]([A-Za-z_]\w*)['"]\])/g)
  return [...new Set([...found].map(([, dotted, quoted]) => (dotted ?? quoted)!))].sort()
}
