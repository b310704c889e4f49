export type ServiceState =
  | 'waiting'
  | 'starting'
  | 'started'
  | 'ready'
  | 'completed'
  | 'restarting'
  | 'ended'
  | 'failed'
  | 'stopping'
  | 'stopped'
  | 'killed'

export type OutputStream = 'stdout' | 'stderr'

/** A service that has not ended although it was asked to. */
export interface StillStopping {
  readonly name: string
  /** What it finishes, where it tells. */
  readonly task: string | undefined
  readonly processes: readonly { readonly pid: number; readonly name: string }[]
  /** Until its processes are killed; undefined where others have to end first. */
  readonly forcedInMs: number | undefined
}

/** Who shows what the services do. */
export interface ServiceReport {
  /** @param detail what is waited for, how it ended, why it failed */
  state(service: string, state: ServiceState, detail?: string): void
  /** @param text whole lines, as the service wrote them */
  output(service: string, text: string, stream: OutputStream): void
  /** While stopping, again and again: who has not ended yet. */
  stillStopping(services: readonly StillStopping[]): void
}
