/** What is left although it was taken back, in words; nothing where all is as it was. */
type Left = string | undefined
type Undo = () => Promise<Left | void>

export interface TakenBack {
  /** What could not be taken back, in sentences. */
  readonly problems: readonly string[]
  readonly left: readonly string[]
}

/** How a change of a server is taken back: what was started is stopped, all else comes back, what had run starts again. */
export class Rollback {
  readonly #stops: Undo[] = []
  readonly #restores: Undo[] = []
  readonly #starts: Undo[] = []

  stop(undo: Undo): void {
    this.#stops.push(undo)
  }

  restore(undo: Undo): void {
    this.#restores.push(undo)
  }

  start(undo: Undo): void {
    this.#starts.push(undo)
  }

  async run(): Promise<TakenBack> {
    const problems: string[] = []
    const left: string[] = []
    for (const undo of [...this.#stops.toReversed(), ...this.#restores.toReversed(), ...this.#starts]) {
      try {
        const stays = await undo()
        if (stays) left.push(stays)
      } catch (error) {
        problems.push((error as Error).message)
      }
    }
    return { problems, left }
  }
}
