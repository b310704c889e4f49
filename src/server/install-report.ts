/** What is told while a plan is carried out. */
export interface InstallReport {
  /** A step is under way, or what it waits for. */
  step(text: string): void
  /** Lines of a unit's journal. */
  journal(unit: string, lines: readonly string[]): void
}
