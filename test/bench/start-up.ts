/**
 * `node test/bench/start-up.ts [rounds]`: the time of commands compared with bare Node, interleaved. `OPS_BIN` measures
 * another `run.js`, such as the one of an installed package.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { median, print } from './interleave.ts'

const rounds = Number(process.argv[2] ?? 11)
const bin = process.env.OPS_BIN ?? join(import.meta.dirname, '..', '..', 'bin', 'run.js')
const cwd = mkdtempSync(join(tmpdir(), 'ops-start-up-'))
await execa(process.execPath, [bin, 'migrate'], { cwd })

const commands = [
  { name: 'node -e 0', args: ['-e', '0'] },
  { name: 'ops --version', args: [bin, '--version'] },
  { name: 'ops --help', args: [bin, '--help'] },
  { name: 'ops enqueue build', args: [bin, 'enqueue', 'build', '--repository', '/nowhere'] },
]
const times = commands.map(() => [] as number[])
for (let round = -2; round < rounds; round += 1) {
  for (const [index, { args }] of commands.entries()) {
    const startedAt = performance.now()
    await execa(process.execPath, args, { cwd })
    // The first rounds fill the compile cache.
    if (round >= 0) times[index]!.push(performance.now() - startedAt)
  }
}
print(
  'Start-up, milliseconds',
  commands.map(({ name }, index) => ({
    command: name,
    median: median(times[index]!),
    min: Math.min(...times[index]!),
    ratio: median(times[index]!.map((time, round) => time / times[0]![round]!)),
  })),
)
rmSync(cwd, { recursive: true })
