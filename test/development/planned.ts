import type { PlannedService } from '../../src/development/planned-service.ts'

/** A planned service, with the given fields. */
export function service(name: string, given: Partial<PlannedService> = {}): PlannedService {
  return {
    name,
    command: name,
    cwd: '/',
    env: {},
    envFiles: [],
    port: undefined,
    dependsOn: [],
    probe: undefined,
    oneshot: false,
    restart: 'on-failure',
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 10_000,
    stopsOnSecondSignal: false,
    writesEvents: false,
    watch: [],
    ...given,
  }
}

/** A service with a probe of 30 s. */
export function probed(name: string, given: Partial<PlannedService> = {}): PlannedService {
  return service(name, { probe: { kind: 'port', port: 80, timeoutMs: 30_000 }, ...given })
}
