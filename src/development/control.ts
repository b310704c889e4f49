import { type Fleet, isGone } from './fleet.ts'
import type { Life } from './service-life.ts'
import type { ServiceStatus } from './service-status.ts'

/** What others may ask of running services. */
export interface Control {
  status(): ServiceStatus[]
  /** The names of the instances of a service, or of one instance; none where there is no such service. */
  named(name: string): string[]
  /**
   * Starts a service anew and waits until it is ready, or done where it is a oneshot.
   *
   * @returns milliseconds
   */
  restart(name: string): Promise<number>
  /** The same without waiting, for a reason that is told. */
  touch(name: string, why?: string): void
  stop(): void
  /** Nobody waits any longer. */
  force(): void
}

/** What a restart has come to; undefined as long as nothing is decided. */
export function outcomeOfRestart(life: Life, edition: number, { isStopping }: Fleet): 'done' | Error | undefined {
  if (isStopping) return new Error('all services are being stopped')
  if (life.edition < edition) return undefined
  const { moment } = life
  if (moment.phase === 'over' && moment.how === 'failed') return moment.error as Error
  if (moment.phase === 'up' || isGone(life)) return 'done'
  // It is tried again by itself, and whoever asked has an answer.
  return moment.phase === 'pausing' ? new Error('it has failed, and is started again later') : undefined
}
