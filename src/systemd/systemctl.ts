import { execa } from 'execa'
import { processEnvironment } from '../platform/proc.ts'
import type { Scope } from './places.ts'
import type { UnitState } from './server-facts.ts'
import { SystemdFailedError } from './systemd-errors.ts'

const properties =
  'Id,ActiveState,SubState,LoadState,FragmentPath,NeedDaemonReload,DropInPaths,UnitFileState,MainPID,ExecMainStartTimestamp,StatusText,NRestarts,Result'

/** The systemd of the machine, or of the user. */
export class Systemctl {
  readonly scope: Scope
  readonly #flags: readonly string[]

  constructor(scope: Scope) {
    this.scope = scope
    this.#flags = scope === 'user' ? ['--user'] : []
  }

  /** Its version; undefined where there is none that answers. */
  async version(): Promise<number | undefined> {
    const { stdout, failed } = await this.run('show', '--property=Version', '--value')
    const found = /\d+/.exec(stdout)?.[0]
    return failed || found === undefined ? undefined : Number(found)
  }

  async run(...args: string[]): Promise<{ failed: boolean; stdout: string; stderr: string }> {
    const { failed, stdout, stderr, message } = await execa('systemctl', [...this.#flags, ...args], {
      reject: false,
      stdin: 'ignore',
      env: { SYSTEMD_COLORS: '0', SYSTEMD_PAGER: '' },
    }).catch((error: unknown) => ({ failed: true, stdout: '', stderr: '', message: String(error) }))
    return { failed, stdout: stdout ?? '', stderr: stderr || (failed ? String(message) : '') }
  }

  /** @throws SystemdFailedError */
  async must(...args: string[]): Promise<void> {
    const { failed, stderr } = await this.run(...args)
    if (failed) throw new SystemdFailedError(`systemctl ${args.join(' ')}`, stderr)
  }

  async show(units: readonly string[]): Promise<Map<string, UnitState>> {
    if (units.length === 0) return new Map()
    const { stdout } = await this.run('show', `--property=${properties}`, ...units)
    // They come in the order asked for, one block each; an alias or a missing unit keeps its place.
    const blocks = stdout.trim().split('\n\n')
    return new Map(units.map((unit, index) => [unit, unitState(unit, blocks[index] ?? '')]))
  }

  /** The last lines of a unit since a moment, as people wrote them. */
  async journal(unit: string, since: Date, lines = 15): Promise<string[]> {
    const from = `--since=@${Math.floor(since.getTime() / 1000)}`
    const args = [...this.#flags, '--unit', unit, from, '--lines', String(lines), '--no-pager', '--output=short-iso']
    const { stdout } = await execa('journalctl', args, { reject: false, stdin: 'ignore' })
    return (stdout ?? '').split('\n').filter((line) => line !== '' && line !== '-- No entries --')
  }
}

function unitState(name: string, block: string): UnitState {
  const values = new Map(
    block.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const),
  )
  const value = (key: string) => values.get(key) ?? ''
  const pid = Number(value('MainPID')) || undefined
  return {
    name,
    active: value('ActiveState') || 'inactive',
    sub: value('SubState'),
    load: value('LoadState') || 'not-found',
    fragment: value('FragmentPath'),
    needsReload: value('NeedDaemonReload') === 'yes',
    // Those of a distribution are for all units and no drift.
    dropIns: value('DropInPaths')
      .split(' ')
      .filter((path) => path !== '' && !/^(\/usr)?\/lib\//.test(path)),
    fileState: value('UnitFileState'),
    pid,
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
