import { oneLine, terminalText } from '../format.ts'
import type { Project } from '../project/open-project.ts'
import type { QueuedTable, TaskId } from '../queue/queue.ts'
import { redactText } from '../redact.ts'
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

/** Prints the output of a task line by line as it comes, and a line for each change of the task. */
export class TaskPrinter implements TaskView {
  readonly #name: string
  readonly #out: NodeJS.WritableStream
  #lastStatus = ''
  #partialLine = ''

  constructor(name: string, out: NodeJS.WritableStream) {
    this.#name = name
    this.#out = out
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
    const lines = (this.#partialLine + text).split('\n')
    this.#partialLine = lines.pop()!
    if (this.#partialLine.length > LONGEST_LINE) lines.push(this.#takePartialLine())
    if (lines.length > 0) this.#out.write(lines.map(programLine).join(''))
  }

  hint(text: string): void {
    this.#printLine(text)
  }

  #printLine(text: string): void {
    const before = this.#partialLine === '' ? '' : programLine(this.#takePartialLine())
    this.#out.write(`${before}${MARK}${redactText(oneLine(text))}\n`)
  }

  #takePartialLine(): string {
    const line = this.#partialLine
    this.#partialLine = ''
    return line
  }
}

/** How lines of ops begin; one of a program that does too is indented. */
const MARK = '── '

/** A program may never end its line. */
const LONGEST_LINE = 1024 * 1024

/** Of the steps of a progress bar, which a terminal would draw over each other, the last one is enough. */
function programLine(line: string): string {
  const shown = terminalText(line)
  return `${oneLine(shown).startsWith(MARK.trim()) ? ' ' : ''}${shown}\n`
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
    // What is not read by a person stays as it is.
    this.#out.write(this.#out.isTTY ? terminalText(text) : text)
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
