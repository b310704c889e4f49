/** A line of a service, as its log has it. */
export interface LoggedLine {
  readonly service: string
  /** As Date writes it in JSON; of the line before where the line has none, as the last words after a kill. */
  readonly at: string
  readonly text: string
}

/** The lines of several logs in the order of their times; lines of one log stay in theirs. */
export function mergeLines(logs: readonly (readonly LoggedLine[])[]): LoggedLine[] {
  return logs.flat().sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
}
