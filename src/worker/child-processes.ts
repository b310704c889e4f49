import { execa, type Options, type Result } from 'execa'
import {
  endGroups,
  groupLedBy,
  groupsWithEnvironment,
  isGroupEmpty,
  type RecordedGroup,
} from '../platform/process-group.ts'
import type { ExecOptions, ExecResult } from '../processor/task-context.ts'
import { withoutSecrets } from '../redact.ts'
import { copyToLog } from './log-copy.ts'
import { progressReader } from './progress.ts'
import type { TaskLog } from './task-log.ts'

/** How much of a program's standard error is kept for a caller that asks for it. */
const STDERR_BYTES = 64 * 1024

/** Between SIGTERM and SIGKILL for the processes of a task that must end. */
const GRACE_MS = 5000

/** What processors are promised, and no more: they must not come to depend on the library. */
function resultOf(ended: Result): Omit<ExecResult, 'stdout' | 'stderr'> {
  const { command, cwd, durationMs, failed, timedOut, exitCode, signal, code, shortMessage, originalMessage } = ended
  const how = { command, cwd, durationMs, failed, timedOut, exitCode, signal }
  return failed ? { ...how, code, shortMessage, originalMessage } : how
}

/** The child processes of one run, each the leader of a process group. */
export class ChildProcesses {
  readonly #log: TaskLog
  readonly #env: Readonly<Record<string, string>>
  readonly #signal: AbortSignal
  readonly #record: (groups: readonly RecordedGroup[]) => Promise<void>
  readonly #report: (fraction: number, note?: string) => void
  readonly #groups: RecordedGroup[] = []

  /** @param parts `record`: stores the groups for recovery; `report`: takes the progress of programs */
  constructor(parts: {
    log: TaskLog
    env: Readonly<Record<string, string>>
    signal: AbortSignal
    record: (groups: readonly RecordedGroup[]) => Promise<void>
    report: (fraction: number, note?: string) => void
  }) {
    this.#log = parts.log
    this.#env = parts.env
    this.#signal = parts.signal
    this.#record = parts.record
    this.#report = parts.report
  }

  async exec(
    command: string,
    args: readonly string[] = [],
    { buffer = true, progress = false, keepStdout, keepStderr = false, extendEnv = true, ...options }: ExecOptions = {},
  ): Promise<ExecResult> {
    this.#signal.throwIfAborted()
    const { fd } = this.#log
    const copy = buffer === false ? undefined : copyToLog(this.#log.file, { keep: keepStdout })
    const errors = keepStderr ? copyToLog(this.#log.file, { keep: STDERR_BYTES }) : undefined
    const reports = progress ? copyToLog('/dev/null', { keep: 1, onText: progressReader(this.#report) }) : undefined
    const copies = [copy, errors, reports]
    const child = execa(command, args, {
      ...options,
      env: { ...(extendEnv && withoutSecrets(process.env)), ...this.#env, ...options.env },
      extendEnv: false,
      stdio: [
        options.input === undefined ? 'ignore' : 'pipe',
        copy?.fd ?? fd,
        errors?.fd ?? fd,
        ...(reports ? [reports.fd] : []),
      ],
      buffer: false,
      // Its own group, so that everything it starts can be ended with it, and Ctrl-C in a terminal reaches only ops.
      detached: true,
      cleanup: false,
    } as Options)
    for (const each of copies) each?.release()
    const [ended] = await Promise.allSettled([child, this.#track(child.pid)])
    // Nothing of this group holds the pipe open any more.
    const isAlone = child.pid === undefined || isGroupEmpty(child.pid)
    const [stdout = '', stderr = ''] = await Promise.all(copies.map((each) => each?.text({ isAlone })))
    if (ended.status === 'rejected') throw Object.assign(ended.reason as Error, { stdout, stderr })
    return { ...resultOf(ended.value as Result), stdout, stderr }
  }

  /** Ends everything the task has started. */
  async end(): Promise<void> {
    // Processes that left their group are searched for only when the task must end: it reads every process.
    const escaped = this.#signal.aborted ? groupsWithEnvironment(`OPS_RUN=${this.#env.OPS_RUN}`) : []
    const groups = new Set([...this.#groups.map(({ id }) => id), ...escaped])
    const left = [...groups].filter((group) => !isGroupEmpty(group))
    if (left.length > 0) await endGroups(left, GRACE_MS)
  }

  async #track(pid: number | undefined): Promise<void> {
    if (pid === undefined) return
    this.#groups.push(groupLedBy(pid))
    if (this.#signal.aborted) await this.end()
    await this.#record(this.#groups)
  }
}
