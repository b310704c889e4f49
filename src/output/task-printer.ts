import type { Project } from '../project/open-project.ts'
import type { QueuedTable, TaskId } from '../queue/queue.ts'
import { followTask, type TaskSnapshot, type TaskView } from '../tasks/follow-task.ts'

/**
 * Follows tasks to their ends, one after the other, and prints each.
 *
 * @param tasks `attempts`: those that were made before, whose logs are not printed
 * @param timeout milliseconds after which they are no longer waited for
 */
export async function printTasks(
  project: Project,
  queued: QueuedTable,
  tasks: readonly { readonly id: TaskId; readonly attempts?: number }[],
  out: NodeJS.WritableStream,
  timeout?: number,
): Promise<TaskSnapshot[]> {
  const giveUpAt = timeout === undefined ? undefined : performance.now() + timeout
  const ended = []
  for (const { id, attempts } of tasks) {
    const view = new TaskPrinter(`${queued.processor} ${id}`, out)
    ended.push(await followTask(project, queued, id, view, { skippedAttempts: attempts, giveUpAt }))
  }
  return ended
}

/** Prints the output of a task as it comes, and a line for each change of the task. */
export class TaskPrinter implements TaskView {
  readonly #name: string
  readonly #out: NodeJS.WritableStream
  readonly #isTerminal: boolean
  #lastStatus = ''
  #isAtLineStart = true
  #partialLine = ''

  constructor(name: string, out: NodeJS.WritableStream) {
    this.#name = name
    this.#out = out
    this.#isTerminal = 'isTTY' in out && out.isTTY === true
  }

  changed({ status, progress, progressNote, error }: TaskSnapshot): void {
    const isOngoing = status === 'ongoing'
    const note = isOngoing && progressNote !== null ? `: ${progressNote}` : ''
    const share = isOngoing && progress !== null ? ` ${Math.round(progress * 100)} %` : ''
    const reason = error === null ? '' : `: ${error}`
    const text = `${this.#name} ${status}${share}${note}${isOngoing ? '' : reason}`
    if (text === this.#lastStatus) return
    this.#lastStatus = text
    this.#printLine(text)
  }

  output(text: string): void {
    const shown = this.#isTerminal ? text : this.#withoutOverwritten(text)
    this.#out.write(shown)
    this.#isAtLineStart = this.#isTerminal ? text.endsWith('\n') : this.#partialLine === ''
  }

  hint(text: string): void {
    this.#printLine(text)
  }

  /** A terminal draws the steps of a progress bar over each other; elsewhere the last one is enough. */
  #withoutOverwritten(text: string): string {
    const lines = (this.#partialLine + text).split('\n')
    this.#partialLine = lines.pop()!
    return lines.map((line) => `${line.replace(/\r+$/, '').replace(/^.*\r/s, '')}\n`).join('')
  }

  #printLine(text: string): void {
    this.#out.write(`${this.#isAtLineStart ? '' : `${this.#partialLine.replace(/^.*\r/s, '')}\n`}── ${text}\n`)
    this.#partialLine = ''
    this.#isAtLineStart = true
  }
}

/** Prints the log of a task to one stream and the changes of the task to another. */
export class LogPrinter implements TaskView {
  readonly #out: NodeJS.WriteStream
  readonly #statusOut: NodeJS.WriteStream
  readonly #status: TaskPrinter
  #isAtLineStart = true

  constructor(name: string, out: NodeJS.WriteStream, statusOut: NodeJS.WriteStream) {
    this.#out = out
    this.#statusOut = statusOut
    this.#status = new TaskPrinter(name, { write: (text: string) => this.#printStatus(text) } as NodeJS.WritableStream)
  }

  changed(task: TaskSnapshot): void {
    this.#status.changed(task)
  }

  output(text: string): void {
    this.#out.write(text)
    this.#isAtLineStart = text.endsWith('\n')
  }

  hint(text: string): void {
    this.#status.hint(text)
  }

  #printStatus(text: string): boolean {
    // On one terminal a status line must not continue a line of the log.
    const needsBreak = this.#out.isTTY && this.#statusOut.isTTY && !this.#isAtLineStart
    if (needsBreak) this.#isAtLineStart = true
    return this.#statusOut.write(needsBreak ? `\n${text}` : text)
  }
}
