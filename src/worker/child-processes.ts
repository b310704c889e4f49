import { execa, type Options } from 'execa'
import { groupLedBy, groupsWithEnvironment, type RecordedGroup } from '../processes/leftover-groups.ts'
import { endGroups, isGroupEmpty } from '../processes/process-group.ts'
import type { RunOptions, RunResult } from '../processor/task-context.ts'
import { copyToLog } from './log-copy.ts'
import type { TaskLog } from './task-log.ts'

/** Between SIGTERM and SIGKILL for the child processes of a task that must end. */
const GRACE_MS = 5000

/** The child processes of one run, each the leader of a process group. */
export class ChildProcesses {
  private readonly log: TaskLog
  private readonly env: Readonly<Record<string, string>>
  private readonly signal: AbortSignal
  private readonly record: (groups: readonly RecordedGroup[]) => Promise<void>
  private readonly groups: RecordedGroup[] = []

  /** @param parts `record` keeps the groups where recovery finds them */
  constructor(parts: {
    log: TaskLog
    env: Readonly<Record<string, string>>
    signal: AbortSignal
    record: (groups: readonly RecordedGroup[]) => Promise<void>
  }) {
    this.log = parts.log
    this.env = parts.env
    this.signal = parts.signal
    this.record = parts.record
  }

  async run(
    command: string,
    args: readonly string[] = [],
    { buffer = true, ...options }: RunOptions = {},
  ): Promise<RunResult> {
    this.signal.throwIfAborted()
    const { fd } = this.log
    const copy = buffer === false ? undefined : copyToLog(this.log.file)
    const child = execa(command, args, {
      ...options,
      env: { ...this.env, ...options.env },
      ...(options.input === undefined ? { stdin: 'ignore' } : {}),
      stdout: copy?.fd ?? fd,
      stderr: fd,
      buffer: false,
      // A group of its own, so that all it starts can be ended with it, and so that Ctrl-C in a terminal is ours alone.
      detached: true,
      cleanup: false,
    } as Options)
    copy?.release()
    const [ended] = await Promise.allSettled([child, this.keepTrack(child.pid)])
    const stdout = (await copy?.text()) ?? ''
    if (ended.status === 'rejected') throw Object.assign(ended.reason as Error, { stdout })
    return Object.assign(ended.value as object, { stdout }) as RunResult
  }

  /** Ends everything that the task has started and that still lives. */
  async end(): Promise<void> {
    // What made a group of its own is looked for only when the task must end: it costs a look at every process.
    const escaped = this.signal.aborted ? groupsWithEnvironment(`OPS_RUN=${this.env.OPS_RUN}`) : []
    const groups = new Set([...this.groups.map(({ id }) => id), ...escaped])
    const left = [...groups].filter((group) => !isGroupEmpty(group))
    if (left.length > 0) await endGroups(left, GRACE_MS)
  }

  private async keepTrack(pid: number | undefined): Promise<void> {
    if (pid === undefined) return
    this.groups.push(groupLedBy(pid))
    if (this.signal.aborted) await this.end()
    await this.record(this.groups)
  }
}
