import { setImmediate as nextTurn } from 'node:timers/promises'
import { dependents } from './dependency-order.ts'
import type { PlannedService } from './planned-service.ts'
import type { ServiceReport } from './service-report.ts'
import { SupervisedService } from './supervised-service.ts'

interface Surroundings {
  /** What every service gets. */
  readonly environment: NodeJS.ProcessEnv
  readonly report: ServiceReport
  readonly stop: AbortSignal
  readonly force: AbortSignal
}

/**
 * Starts the services as their dependencies allow, keeps them running, and stops them in reverse order: when `stop`
 * aborts, when one has failed for good, or when none is left. It returns when nothing of them runs any more.
 *
 * @throws OpsError of the first service that failed
 */
export async function runServices(planned: readonly PlannedService[], surroundings: Surroundings): Promise<void> {
  const { report, stop } = surroundings
  const services = new Map(planned.map((one) => [one.name, new SupervisedService(one, surroundings)]))
  const signalAll = () => {
    for (const service of services.values()) service.signalOnTheWayOut()
  }
  // A closed pipe or a bug can end ops without a stop; then this is the last that it does.
  process.once('exit', signalAll)

  const failure = new AbortController()
  const ending = AbortSignal.any([stop, failure.signal])
  try {
    await Promise.race([aborted(ending), Promise.all([...services.values()].map((service) => live(service)))])
    await stopServices(services, report)
  } finally {
    process.off('exit', signalAll)
  }
  if (failure.signal.aborted && !stop.aborted) throw failure.signal.reason

  async function live(service: SupervisedService): Promise<void> {
    try {
      await dependenciesOf(service)
      await service.run(ending)
    } catch (error) {
      if (!ending.aborted) report.state(service.name, 'failed', (error as Error).message)
      failure.abort(error)
    }
  }

  async function dependenciesOf({ name, service: { dependsOn } }: SupervisedService): Promise<void> {
    if (dependsOn.length === 0) return
    report.state(name, 'waiting', `waiting for ${dependsOn.map((dependency) => dependency.name).join(', ')}`)
    const reached = dependsOn.map((dependency) => services.get(dependency.name)!.reached(dependency.until))
    await Promise.race([Promise.all(reached), aborted(ending)])
  }
}

const tellEveryMs = 10_000
const tellFirstMs = 1000

/** Each is asked when all that depend on it are gone, so that they can use it to the end. */
async function stopServices(services: ReadonlyMap<string, SupervisedService>, report: ServiceReport): Promise<void> {
  // A start that has just begun is seen through, so that there is a process to stop.
  await nextTurn()
  const behind = dependents([...services.values()].map(({ service }) => service))
  const left = new Set(services.keys())
  const stopping = new Map<string, Promise<void>>()

  const gone = (name: string): Promise<void> => {
    const known = stopping.get(name)
    if (known !== undefined) return known
    const begun = stopOne(name)
    stopping.set(name, begun)
    return begun
  }
  const stopOne = async (name: string): Promise<void> => {
    await Promise.all(behind.get(name)!.map(gone))
    const service = services.get(name)!
    if (service.isRunning()) {
      report.state(name, 'stopping')
      report.state(name, (await service.stop()) === 'killed' ? 'killed' : 'stopped')
    }
    left.delete(name)
  }

  const tell = () => report.stillWaitingFor([...left])
  const first = setTimeout(tell, tellFirstMs)
  const then = setInterval(tell, tellEveryMs)
  await Promise.all([...services.keys()].map(gone))
  clearTimeout(first)
  clearInterval(then)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
