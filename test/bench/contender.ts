/** What a contender is asked to do. It prints one line of JSON with its figures. */
export interface ContenderOptions {
  /** Tasks that are timed. */
  readonly n: number
  readonly synchronous: 'FULL' | 'NORMAL'
  /** Tasks that wait all the time behind those that are timed. */
  readonly pending?: number
  /** Tasks that were finished before. */
  readonly finished?: number
}

/** Tasks before those that are timed, in the same process. */
export const warmUp = 2000

/** The same for contenders on PostgreSQL. */
export interface PostgresContenderOptions {
  readonly n: number
  /** The URL of the server's own database; each contender makes one for itself. */
  readonly server: string
}

export const warmUpOnPostgres = 500
