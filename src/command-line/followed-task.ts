import type { FollowedRow, TaskView } from '../project/follow-task.ts'

/** Writes the output of a task as it comes, and a line for each thing that happens to it. */
export class FollowedTask implements TaskView {
  private readonly name: string
  private readonly out: NodeJS.WritableStream
  private last = ''
  private isAtLineStart = true

  constructor(name: string, out: NodeJS.WritableStream) {
    this.name = name
    this.out = out
  }

  changed({ status, progress, progressNote, error }: FollowedRow): void {
    const isOngoing = status === 'ongoing'
    const note = isOngoing && progressNote !== null ? `: ${progressNote}` : ''
    const share = isOngoing && progress !== null ? ` ${Math.round(progress * 100)} %` : ''
    const reason = error === null ? '' : `: ${error}`
    this.line(`${this.name} ${status}${share}${note}${isOngoing ? '' : reason}`)
  }

  output(text: string): void {
    this.out.write(text)
    this.isAtLineStart = text.endsWith('\n')
  }

  hint(text: string): void {
    this.line(text)
  }

  private line(text: string): void {
    if (text === this.last) return
    this.last = text
    this.out.write(`${this.isAtLineStart ? '' : '\n'}── ${text}\n`)
    this.isAtLineStart = true
  }
}
