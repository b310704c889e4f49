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

/** Who shows what the services do. */
export interface ServiceReport {
  /** @param detail what is waited for, how it ended, why it failed */
  state(service: string, state: ServiceState, detail?: string): void
  /** @param text whole lines, as the service wrote them */
  output(service: string, text: string): void
  /** While stopping: who has not ended yet. */
  stillWaitingFor(services: readonly string[]): void
}
