type Undo = () => Promise<unknown>

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

  /** @returns what could not be taken back, in sentences */
  async run(): Promise<string[]> {
    const problems: string[] = []
    for (const undo of [...this.#stops.toReversed(), ...this.#restores.toReversed(), ...this.#starts]) {
      await undo().catch((error: unknown) => problems.push((error as Error).message))
    }
    return problems
  }
}
