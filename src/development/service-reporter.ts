import type { Probe } from './planned-service.ts'

/** How the first process of a service exited. */
export interface Exit {
  /** As in shells, 128 plus the signal's number where a signal killed it. */
  readonly exitCode: number
  readonly signal: NodeJS.Signals | undefined
}

/** A change of a service's state, with what there is to say about it. Durations are milliseconds. */
export type ServiceChange =
  | { readonly state: 'waiting'; readonly dependencies: readonly string[] }
  /** With a probe its process runs and is not ready yet. */
  | { readonly state: 'starting'; readonly probe?: Probe }
  /** It has no probe, so its start is all there is to see. */
  | { readonly state: 'started' }
  | { readonly state: 'ready'; readonly durationMs: number }
  | { readonly state: 'completed'; readonly durationMs: number }
  /** On request, with the reason where there is one. */
  | { readonly state: 'restarting'; readonly reason?: string | undefined }
  /** After it exited. */
  | {
      readonly state: 'restarting'
      readonly exit: Exit
      readonly delayMs: number
      /** Failures in a row, and the time since the first of them. */
      readonly failures: number
      readonly withinMs: number
    }
  | { readonly state: 'exited'; readonly exit: Exit }
  /** With the exit, or the probe that timed out, where that is the failure. */
  | { readonly state: 'failed'; readonly error: Error; readonly exit?: Exit; readonly probe?: Probe }
  | { readonly state: 'stopping' }
  | { readonly state: 'stopped' }
  | { readonly state: 'killed'; readonly durationMs: number }

export type OutputStream = 'stdout' | 'stderr'

/** A service that has not stopped although it was told to. */
export interface StillStopping {
  readonly name: string
  /** The task it finishes, where it is a worker. */
  readonly task: string | undefined
  readonly processes: readonly { readonly pid: number; readonly name: string }[]
  /** Until its processes are killed; undefined while it waits for its dependents to stop. */
  readonly killedInMs: number | undefined
}

/** Shows what services do. */
export interface ServiceReporter {
  changed(service: string, change: ServiceChange): void
  /** @param text whole lines, as the service wrote them */
  output(service: string, text: string, stream: OutputStream): void
  /** Called repeatedly during a stop. */
  stillStopping(services: readonly StillStopping[]): void
}
