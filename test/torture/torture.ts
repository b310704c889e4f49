/**
 * `npm run torture -- [--kills 1000] [--database sqlite|postgres] [--workers 4] [--seed n] [--no-migrations]`: kills
 * workers at random while an application migrates its tables, and checks every promise afterwards. Prints broken promises
 * and exits with 1 if there are any. Without migrations, the history must be whole too. On PostgreSQL `--restarts n`
 * restarts the server meanwhile, and `--cuts n` cuts connections, both without migrations.
 */

import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { print } from '../bench/interleave.ts'
import { sqlite } from '../support/test-database.ts'
import { disturb, startOwnPostgres } from './own-postgres.ts'
import type { Random } from './random.ts'
import { runTorture } from './run-torture.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '1000' },
    database: { type: 'string', default: 'sqlite' },
    workers: { type: 'string', default: '4' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    restarts: { type: 'string', default: '0' },
    cuts: { type: 'string', default: '0' },
    'no-migrations': { type: 'boolean', default: false },
  },
})
// Most of the time goes into starting workers.
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'node-compile-cache')
if (!['sqlite', 'postgres'].includes(values.database)) fail(`"${values.database}" is neither sqlite nor postgres.`)
const postgres =
  values.database === 'postgres' ? await startOwnPostgres().catch(({ message }) => fail(message)) : undefined
const [restarts, cuts] = [Number(values.restarts), Number(values.cuts)]
const meanwhile = async (random: Random) => {
  await disturb(restarts, random, () => postgres!.restart())
  await disturb(cuts, random, () => postgres!.cut(random))
}
console.log(`${values.kills} kills of ${values.workers} workers on ${values.database}, seed ${values.seed}`)
const { figures, problems } = await runTorture({
  database: postgres?.kind ?? sqlite,
  kills: Number(values.kills),
  workers: Number(values.workers),
  seed: Number(values.seed),
  migrates: !values['no-migrations'] && restarts + cuts === 0,
  onProgress: (line) => console.log(line),
  ...(restarts + cuts > 0 ? { meanwhile } : {}),
}).finally(() => postgres?.stop())
print('Torture', [figures])
for (const { kind, text } of problems) console.log(`BROKEN (${kind}): ${text}`)
console.log(problems.length === 0 ? '\nEvery promise was kept.' : `\n${problems.length} promises were broken.`)
process.exitCode = problems.length === 0 ? 0 : 1

function fail(why: string): never {
  console.error(`Cannot start: ${why}`)
  process.exit(2)
}
