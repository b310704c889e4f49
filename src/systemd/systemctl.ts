import type { Readable } from 'node:stream'
import { execa } from 'execa'
import { OpsError } from '../errors.ts'
import { processEnvironment } from '../platform/proc.ts'
import type { Scope } from './places.ts'

export interface UnitState {
  readonly name: string
  /** `active`, `inactive`, `failed`, `activating`, … */
  readonly active: string
  /** The file that it was loaded from; empty where there is none. */
  readonly fragment: string
  /** The file has changed since it was loaded. */
  readonly needsReload: boolean
  /** Files of the operator that override parts of the unit. */
  readonly dropIns: readonly string[]
  /** `enabled`, `static`, … */
  readonly fileState: string
  /** `OPS_UNIT_HASH` of the running process; undefined where none runs or this user cannot read it. */
  readonly runningHash: string | undefined
  readonly startedAt: string
  /** The status line that the process sent. */
  readonly status: string
  readonly restarts: number
  /** How its last run ended: `success`, `exit-code`, `signal`, `timeout`, `watchdog`, … */
  readonly result: string
}

export function systemdFailed(what: string, output: string, suggestions: readonly string[] = []): OpsError {
  const reason = output.trim() || 'systemd gives no reason'
  return new OpsError('SYSTEMD_FAILED', `${what} failed: ${reason}`, { suggestions })
}

const properties =
  'Id,ActiveState,FragmentPath,NeedDaemonReload,DropInPaths,UnitFileState,MainPID,ExecMainStartTimestamp,StatusText,NRestarts,Result'

/** The systemd of the machine, or of the user. */
export class Systemctl {
  readonly scope: Scope
  readonly #flags: readonly string[]

  constructor(scope: Scope) {
    this.scope = scope
    this.#flags = scope === 'user' ? ['--user'] : []
  }

  /** Its version; undefined where systemd does not answer. */
  async version(): Promise<number | undefined> {
    const { stdout, failed } = await this.tryRun('show', '--property=Version', '--value')
    const found = /\d+/.exec(stdout)?.[0]
    return failed || found === undefined ? undefined : Number(found)
  }

  async tryRun(...args: string[]): Promise<{ failed: boolean; stdout: string; stderr: string }> {
    const { failed, stdout, stderr, message } = await execa('systemctl', [...this.#flags, ...args], {
      reject: false,
      stdin: 'ignore',
      env: { SYSTEMD_COLORS: '0', SYSTEMD_PAGER: '' },
    }).catch((error: unknown) => ({ failed: true, stdout: '', stderr: '', message: String(error) }))
    return { failed, stdout: stdout ?? '', stderr: stderr || (failed ? String(message) : '') }
  }

  /** @throws OpsError `SYSTEMD_FAILED` */
  async run(...args: string[]): Promise<void> {
    const { failed, stderr } = await this.tryRun(...args)
    if (failed) throw systemdFailed(`systemctl ${args.join(' ')}`, stderr)
  }

  async show(units: readonly string[]): Promise<Map<string, UnitState>> {
    if (units.length === 0) return new Map()
    const { stdout } = await this.tryRun('show', `--property=${properties}`, ...units)
    // One block for each, in the order of the arguments; an alias or a missing unit keeps its place.
    const blocks = stdout.trim().split('\n\n')
    return new Map(units.map((unit, index) => [unit, parseState(unit, blocks[index] ?? '')]))
  }

  /** The last lines of a unit's journal since a time. */
  async journal(unit: string, since: Date, lines = 15): Promise<string[]> {
    const from = `--since=@${Math.floor(since.getTime() / 1000)}`
    const args = [...this.#flags, '--unit', unit, from, '--lines', String(lines), '--no-pager', '--output=short-iso']
    const { stdout } = await execa('journalctl', args, { reject: false, stdin: 'ignore' })
    return (stdout ?? '').split('\n').filter((line) => line !== '' && line !== '-- No entries --')
  }
}

/** The journal of the current run of a unit, which systemd names in INVOCATION_ID, and what is added to it. */
export function followJournal({ INVOCATION_ID }: NodeJS.ProcessEnv): { output: Readable; end(): void } {
  const match = INVOCATION_ID === undefined ? [] : [`_SYSTEMD_INVOCATION_ID=${INVOCATION_ID}`]
  const child = execa('journalctl', ['--follow', '--no-tail', '--output=cat', ...match], {
    reject: false,
    stdin: 'ignore',
    // Says so if it may not read the journal.
    stderr: 'inherit',
    buffer: false,
  })
  return { output: child.stdout, end: () => void child.kill('SIGTERM') }
}

function parseState(name: string, block: string): UnitState {
  const values = new Map(
    block.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const),
  )
  const value = (key: string) => values.get(key) ?? ''
  const pid = Number(value('MainPID')) || undefined
  return {
    name,
    active: value('ActiveState') || 'inactive',
    fragment: value('FragmentPath'),
    needsReload: value('NeedDaemonReload') === 'yes',
    // Those of a distribution are for all units.
    dropIns: value('DropInPaths')
      .split(' ')
      .filter((path) => path !== '' && !/^(\/usr)?\/lib\//.test(path)),
    fileState: value('UnitFileState'),
    runningHash: pid === undefined ? undefined : hashOfProcess(pid),
    startedAt: value('ExecMainStartTimestamp'),
    status: value('StatusText'),
    restarts: Number(value('NRestarts')) || 0,
    result: value('Result'),
  }
}

function hashOfProcess(pid: number): string | undefined {
  const environment = processEnvironment(pid)
  const entry = environment?.find((one) => one.startsWith('OPS_UNIT_HASH='))
  return environment && (entry?.slice('OPS_UNIT_HASH='.length) ?? '')
}
