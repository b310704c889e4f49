import type { FollowedRow, TaskView } from '../tasks/follow-task.ts'
import { FollowedTask } from './followed-task.ts'

/** Writes the log of a task as it comes, and nothing else; what happens to the task is told beside it. */
export class FollowedLog implements TaskView {
  readonly #out: NodeJS.WriteStream
  readonly #beside: NodeJS.WriteStream
  readonly #news: FollowedTask
  #isAtLineStart = true

  constructor(name: string, out: NodeJS.WriteStream, beside: NodeJS.WriteStream) {
    this.#out = out
    this.#beside = beside
    this.#news = new FollowedTask(name, { write: (text: string) => this.#tell(text) } as NodeJS.WritableStream)
  }

  changed(task: FollowedRow): void {
    this.#news.changed(task)
  }

  output(text: string): void {
    this.#out.write(text)
    this.#isAtLineStart = text.endsWith('\n')
  }

  hint(text: string): void {
    this.#news.hint(text)
  }

  #tell(text: string): boolean {
    // On one screen a line of news must not continue a line of the log.
    const isOneScreen = this.#out.isTTY && this.#beside.isTTY
    const isBreakNeeded = isOneScreen && !this.#isAtLineStart
    if (isBreakNeeded) this.#isAtLineStart = true
    return this.#beside.write(isBreakNeeded ? `\n${text}` : text)
  }
}
