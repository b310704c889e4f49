/** The task of a contender, which prints one line of JSON with its figures. */
export interface ContenderOptions {
  /** Timed tasks. */
  readonly n: number
  readonly synchronous: 'FULL' | 'NORMAL'
  /** Tasks that stay pending behind the timed ones. */
  readonly pending?: number
  /** Tasks that are already finished. */
  readonly finished?: number
}

/** Tasks performed before the timed ones, in the same process. */
export const warmUp = 2000

/** The same for contenders on PostgreSQL. */
export interface PostgresContenderOptions {
  readonly n: number
  /** The URL of the server's own database; each contender creates its own. */
  readonly server: string
}

export const warmUpOnPostgres = 500

/** Several workers on one database. */
export interface WorkersOptions {
  readonly n: number
  readonly workers: number
  readonly synchronous?: 'FULL' | 'NORMAL'
  /** As for contenders on PostgreSQL; without it, a SQLite file. */
  readonly server?: string
}
