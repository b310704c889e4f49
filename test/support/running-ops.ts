import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { until } from './until.ts'

/** A line of a worker's log. */
export interface WorkerEvent {
  readonly event: string
  readonly message: string
  readonly task?: string
  readonly error?: string
}

/** `ops` at work. */
export class RunningOps {
  readonly pid: number
  /** The exit code, or the signal that ended it, once all of its output has been read. */
  readonly exit: Promise<number | NodeJS.Signals>
  output = ''
  private readonly child: ChildProcess

  constructor(argv: readonly string[], options: { cwd: string; env: Record<string, string | undefined> }) {
    this.child = spawn(process.execPath, argv, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    this.pid = this.child.pid!
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.output += text
      })
    }
    this.exit = once(this.child, 'close').then(([code, signal]) => code ?? signal)
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** Stops reading, as a pager that quits. */
  closeOutput(): void {
    this.child.stdout!.destroy()
    this.child.stderr!.destroy()
  }

  /** Reads no more but stays, as a pager that waits for a key. */
  pauseOutput(): void {
    this.child.stdout!.pause()
    this.child.stderr!.pause()
  }

  /** The lines of a worker's log so far. */
  events(): WorkerEvent[] {
    const whole = this.output.split('\n').slice(0, -1)
    return whole.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as WorkerEvent)
  }

  /** The first event of a kind, as soon as there is one. */
  async event(kind: string, task?: string): Promise<WorkerEvent> {
    const find = () =>
      this.events().find(({ event, task: of }) => event === kind && (task === undefined || of === task))
    await until(() => {
      if (find()) return true
      if (this.child.exitCode !== null) throw new Error(`ops ended without the event "${kind}":\n${this.output}`)
      return false
    }, `ops says "${kind}" in: ${this.output}`)
    return find()!
  }

  async says(text: string): Promise<void> {
    await until(() => this.output.includes(text), `ops says "${text}"`)
  }

  async destroy(): Promise<void> {
    this.kill('SIGKILL')
    await this.exit
  }
}
