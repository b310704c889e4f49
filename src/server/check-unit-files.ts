import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import type { Unit } from './render-units.ts'

export interface UnitCheck {
  readonly file: string
  /** From `systemd-analyze security`, 0 (best) to 10; undefined where it has none. */
  readonly exposure: number | undefined
  /** The settings that cost points, the most expensive first. */
  readonly remaining: readonly { readonly points: number; readonly what: string }[]
  /** The output of `systemd-analyze verify`. */
  readonly complaints: readonly string[]
}

/**
 * Has systemd check units before they are installed.
 *
 * @returns undefined without systemd-analyze
 */
export async function checkUnitFiles(units: readonly Unit[]): Promise<UnitCheck[] | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'ops-units-'))
  try {
    for (const { file, text } of units) await writeFile(join(folder, file), text)
    const complaints = await verify(units.map(({ file }) => join(folder, file)))
    if (complaints === undefined) return undefined
    return await Promise.all(
      units.map(async ({ file, role }) => ({
        file,
        ...(role === 'target' ? { exposure: undefined, remaining: [] } : await security(join(folder, file))),
        complaints: complaints.filter((line) => isAbout(line, file)),
      })),
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Names the file or an instance of a template. Complaints about other units of the machine are left out. */
function isAbout(line: string, file: string): boolean {
  const [name, ending] = file.split(/(?=\.\w+$)/)
  return line.split(/[\s:,]+/).some((word) => {
    const unit = word.split('/').at(-1)!
    return unit === file || (name!.endsWith('@') && unit.startsWith(name!) && unit.endsWith(ending!))
  })
}

/** The exit status does not count: an unknown key is a line on stderr and a success. */
async function verify(paths: readonly string[]): Promise<string[] | undefined> {
  const result = await analyze('verify', '--man=no', ...paths)
  // A complaint that two commands of a unit have in common comes twice.
  return result && [...new Set(result.stderr.split('\n'))].filter((line) => line !== '')
}

async function security(path: string): Promise<Pick<UnitCheck, 'exposure' | 'remaining'>> {
  const [table, list] = await Promise.all([
    analyze('security', '--offline=true', '--no-pager', path),
    analyze('security', '--offline=true', '--no-pager', '--json=short', path),
  ])
  const overall = /level for .*: ([\d.]+) /.exec(table?.stdout ?? '')?.[1]
  return {
    exposure: overall === undefined ? undefined : Number(overall),
    remaining: remainingPoints(list?.stdout ?? ''),
  }
}

function remainingPoints(json: string): UnitCheck['remaining'] {
  let entries: { exposure: string | null; description: string }[]
  try {
    entries = JSON.parse(json)
  } catch {
    return []
  }
  return entries
    .map(({ exposure, description }) => ({ points: Number(exposure), what: description }))
    .filter(({ points }) => points > 0)
    .sort((a, b) => b.points - a.points)
}

async function analyze(...args: string[]) {
  const { code, stdout, stderr } = await execa('systemd-analyze', args, {
    reject: false,
    stdin: 'ignore',
    env: { SYSTEMD_COLORS: '0', SYSTEMD_EMOJI: '0', SYSTEMD_PAGER: '' },
  })
  return code === 'ENOENT' ? undefined : { stdout, stderr }
}
