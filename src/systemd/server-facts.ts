/** What is on a server now, as far as it was asked. */
export interface ServerFacts {
  /** Texts of files by their paths; a file that is not there is missing, one that this user may not read is null. */
  readonly files: ReadonlyMap<string, string | null>
  /** What systemd has loaded; undefined where there is no systemd to ask. */
  readonly units: ReadonlyMap<string, UnitState> | undefined
}

export interface UnitState {
  readonly name: string
  /** `active`, `inactive`, `failed`, `activating`, … */
  readonly active: string
  readonly sub: string
  /** `loaded`, `not-found`, … */
  readonly load: string
  /** The file that it was loaded from; empty where there is none. */
  readonly fragment: string
  /** The file has changed since it was loaded. */
  readonly needsReload: boolean
  /** Files of the operator that change the unit. */
  readonly dropIns: readonly string[]
  /** `enabled`, `static`, … */
  readonly fileState: string
  readonly pid: number | undefined
  /** `OPS_UNIT_HASH` of the running process; undefined where none runs or this user may not look. */
  readonly runningHash: string | undefined
  readonly startedAt: string
  /** What it says of itself. */
  readonly status: string
  readonly restarts: number
  /** How its last end came about: `success`, `exit-code`, `signal`, `timeout`, `watchdog`, … */
  readonly result: string
}
