import type { FollowedRow, TaskView } from '../tasks/follow-task.ts'

/** Writes the output of a task as it comes, and a line for each thing that happens to it. */
export class FollowedTask implements TaskView {
  readonly #name: string
  readonly #out: NodeJS.WritableStream
  readonly #isTerminal: boolean
  #last = ''
  #isAtLineStart = true
  /** What has come of a line that is not complete yet. */
  #partialLine = ''

  constructor(name: string, out: NodeJS.WritableStream) {
    this.#name = name
    this.#out = out
    this.#isTerminal = 'isTTY' in out && out.isTTY === true
  }

  changed({ status, progress, progressNote, error }: FollowedRow): void {
    const isOngoing = status === 'ongoing'
    const note = isOngoing && progressNote !== null ? `: ${progressNote}` : ''
    const share = isOngoing && progress !== null ? ` ${Math.round(progress * 100)} %` : ''
    const reason = error === null ? '' : `: ${error}`
    this.#line(`${this.#name} ${status}${share}${note}${isOngoing ? '' : reason}`)
  }

  output(text: string): void {
    const shown = this.#isTerminal ? text : this.#withoutOverwritten(text)
    this.#out.write(shown)
    this.#isAtLineStart = this.#isTerminal ? text.endsWith('\n') : this.#partialLine === ''
  }

  hint(text: string): void {
    this.#line(text)
  }

  /** A terminal draws the steps of a progress bar over each other; elsewhere the last one is enough. */
  #withoutOverwritten(text: string): string {
    const lines = (this.#partialLine + text).split('\n')
    this.#partialLine = lines.pop()!
    return lines.map((line) => `${line.replace(/\r+$/, '').replace(/^.*\r/s, '')}\n`).join('')
  }

  #line(text: string): void {
    if (text === this.#last) return
    this.#last = text
    this.#out.write(`${this.#isAtLineStart ? '' : `${this.#partialLine.replace(/^.*\r/s, '')}\n`}── ${text}\n`)
    this.#partialLine = ''
    this.#isAtLineStart = true
  }
}
