/** Who watches over a worker from outside and is told how it goes: systemd, on a server. */
export interface Supervisor {
  /** It looks for tasks now. */
  polling(): void
  /** The loop went round, or the database was tried once more. */
  progressed(): void
  /** @param timeoutMs how long the task may take, where it is limited */
  started(task: string, timeoutMs: number | undefined): void
  ended(): void
}

/** In development nobody watches. */
export const nobody: Supervisor = { polling() {}, progressed() {}, started() {}, ended() {} }
