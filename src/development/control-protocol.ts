import type { StillStopping } from './service-report.ts'
import type { ServiceStatus } from './service-status.ts'

/* What goes through the control socket: one request a connection, a line of JSON; the answers are lines of JSON too. */

export type ControlRequest =
  | { readonly do: 'status' }
  | { readonly do: 'restart'; readonly names: readonly string[] }
  | { readonly do: 'stop'; readonly isForced: boolean }

export interface StatusAnswer {
  readonly pid: number
  readonly services: readonly ServiceStatus[]
}

/** One for each instance, as it is decided. */
export type RestartAnswer =
  | { readonly name: string; readonly tookMs: number }
  | { readonly name: string; readonly error: string }
  /** There is no such service; then nothing was started anew. */
  | { readonly unknown: string; readonly known: readonly string[] }

/** Who is waited for, again and again. The connection ends when nothing is left. */
export interface StopAnswer {
  readonly stillStopping: readonly StillStopping[]
}
