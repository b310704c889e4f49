/** An exclusivity key in the hands of a person: no task that needs it begins. */
export interface Hold {
  readonly key: string
  readonly reason: string | undefined
  readonly actor: string
  readonly heldAt: Date
}

/** The keys that people hold. `processor:<name>` holds every task of a processor, whatever its own keys are. */
export interface Holds {
  /** Takes a key; when somebody has it already, returns that hold and changes nothing. */
  take(key: string, actor: string, reason: string | undefined): Promise<Hold | undefined>
  /** Gives a key back and returns the hold that it had, if any. */
  release(key: string, actor: string): Promise<Hold | undefined>
  list(): Promise<Hold[]>
}
