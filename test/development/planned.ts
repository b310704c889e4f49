import type { PlannedService } from '../../src/development/planned-service.ts'

/** A service as it is planned, with what the test cares about. */
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
    yieldsWhenAskedTwice: false,
    writesEvents: false,
    watch: [],
    ...given,
  }
}

/** One that is ready when its port answers, within half a minute. */
export function probed(name: string, given: Partial<PlannedService> = {}): PlannedService {
  return service(name, { probe: { kind: 'port', port: 80, timeoutMs: 30_000 }, ...given })
}
