import type { Config, Service } from '../config/config.ts'
import { dependencies } from '../development/plan-services.ts'
import type { Problem } from '../errors.ts'
import { fitsOnOneLine } from '../systemd/directive.ts'

/**
 * Fields of a configuration that systemd cannot support, known before anything is installed: systemd itself would
 * silently do something else.
 */
export function unsupportedFields({ services = {}, worker = {} }: Config): Problem[] {
  const onServer = new Map(Object.entries(services).filter(([, { only }]) => only !== 'development'))
  return [
    ...[...onServer].flatMap(([name, service]) => [
      ...unsupportedDependencies(name, service, onServer),
      ...unsupportedRestart(name, service, onServer),
      ...unsupportedPaths(`services.${name}`, service),
    ]),
    ...unsupportedPaths('worker', worker),
  ]
}

export function unsupported(where: string, message: string, ...suggestions: string[]): Problem {
  return { code: 'UNSUPPORTED_BY_SYSTEMD', severity: 'error', where, message, suggestions }
}

type Services = ReadonlyMap<string, Service>

/** For systemd, a unit has started when its ExecStartPost= has succeeded, and a oneshot when it has exited. */
function unsupportedDependencies(name: string, service: Service, services: Services): Problem[] {
  return dependencies(service, services)
    .filter(({ until }) => until === 'started')
    .flatMap(({ name: other }) => {
      const { oneshot, ready } = services.get(other)!
      const where = `services.${name}.dependsOn.${other}`
      if (oneshot) {
        return [
          unsupported(where, `systemd waits until "${other}" has completed, not only for its start: use "completed"`),
        ]
      }
      if (ready === undefined) return []
      return [
        unsupported(
          where,
          `systemd waits until the "ready" of "${other}" answers, not only for its start: use "ready"`,
        ),
      ]
    })
}

/** A unit that systemd restarts has failed nevertheless, and so has the start of those that require it. */
function unsupportedRestart(name: string, { oneshot, restart }: Service, services: Services): Problem[] {
  if (!oneshot || restart !== 'on-failure') return []
  const waiting = [...services].flatMap(([other, service]) =>
    dependencies(service, services).some((one) => one.name === name) ? [`"${other}"`] : [],
  )
  if (waiting.length === 0) return []
  const others = waiting.join(' and ')
  const message = `systemd does not start ${others} after its first failure, even if a retry succeeds: remove "restart"`
  return [unsupported(`services.${name}.restart`, message)]
}

/** Paths that cannot be written in a directive. */
function unsupportedPaths(path: string, { cwd, allow, credentials }: Partial<Service>): Problem[] {
  const values: [string, string][] = [
    ...(cwd === undefined ? [] : [[`${path}.cwd`, cwd] as [string, string]]),
    ...(allow?.writePaths ?? []).map((folder): [string, string] => [`${path}.allow.writePaths`, folder]),
    ...Object.entries(credentials ?? {}).map(([name, file]): [string, string] => [`${path}.credentials.${name}`, file]),
  ]
  return values
    .filter(([, value]) => !fitsOnOneLine(value))
    .map(([where, value]) => {
      const reason = 'it has a control character, or a space or "\\" at an end'
      return unsupported(where, `a unit cannot contain ${JSON.stringify(value)}: ${reason}`)
    })
}
