/** An exclusivity key that a person has put on hold: no task that needs it starts. */
export interface Hold {
  readonly key: string
  readonly reason: string | undefined
  readonly actor: string
  readonly heldAt: Date
}

/** The holds. The key `processor:<name>` stops every task of that processor. */
export interface Holds {
  /** Puts a key on hold. If it already is, returns that hold and changes nothing. */
  take(key: string, actor: string, reason: string | undefined): Promise<Hold | undefined>
  /** Releases a key and returns its hold, if there was one. */
  release(key: string, actor: string): Promise<Hold | undefined>
  list(): Promise<Hold[]>
}
