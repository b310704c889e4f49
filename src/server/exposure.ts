import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import type { Unit } from './render-units.ts'

export interface UnitCheck {
  readonly file: string
  /** By `systemd-analyze security`, from 0 (closed) to 10; undefined where it cannot be told. */
  readonly exposure: number | undefined
  /** What the points are for, the heaviest first. */
  readonly remaining: readonly { readonly points: number; readonly what: string }[]
  /** What `systemd-analyze verify` says. It should say nothing. */
  readonly complaints: readonly string[]
}

/**
 * Lets systemd itself look at units before they are installed.
 *
 * @returns undefined where there is no systemd-analyze
 */
export async function checkUnits(units: readonly Unit[]): Promise<UnitCheck[] | undefined> {
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

/** By its file or, of a template, by an instance. What it says of other units of the machine is not ours to mend. */
function isAbout(line: string, file: string): boolean {
  const [name, ending] = file.split(/(?=\.\w+$)/)
  return line.split(/[\s:,]+/).some((word) => {
    const unit = word.split('/').at(-1)!
    return unit === file || (name!.endsWith('@') && unit.startsWith(name!) && unit.endsWith(ending!))
  })
}

/** Its exit status says nothing: a key that it does not know is a line on stderr and a success. */
async function verify(paths: readonly string[]): Promise<string[] | undefined> {
  const result = await analyze('verify', '--man=no', ...paths)
  // What it says of two commands of a unit it says twice.
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
