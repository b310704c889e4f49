/**
 * `npm run torture -- [--kills 1000] [--database sqlite|postgres] [--workers 4] [--seed n]`: kills workers at random
 * moments and checks every promise afterwards. Exits with 1, and with what is wrong, when one was not kept. On
 * PostgreSQL `--restarts n` restarts the server meanwhile, and `--cuts n` cuts connections.
 */

import { parseArgs } from 'node:util'
import { print } from '../bench/interleave.ts'
import { sqlite } from '../support/test-database.ts'
import type { Chance } from './chance.ts'
import { disturb, postgresOfItsOwn } from './postgres-of-its-own.ts'
import { runTorture } from './run-torture.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '1000' },
    database: { type: 'string', default: 'sqlite' },
    workers: { type: 'string', default: '4' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    restarts: { type: 'string', default: '0' },
    cuts: { type: 'string', default: '0' },
  },
})
if (!['sqlite', 'postgres'].includes(values.database)) fail(`"${values.database}" is neither sqlite nor postgres.`)
const postgres =
  values.database === 'postgres' ? await postgresOfItsOwn().catch(({ message }) => fail(message)) : undefined
const [restarts, cuts] = [Number(values.restarts), Number(values.cuts)]
const meanwhile = async (chance: Chance) => {
  await disturb(restarts, chance, () => postgres!.restart())
  await disturb(cuts, chance, () => postgres!.cut(chance))
}
console.log(`${values.kills} kills of ${values.workers} workers on ${values.database}, seed ${values.seed}`)
const { figures, problems } = await runTorture({
  database: postgres?.kind ?? sqlite,
  kills: Number(values.kills),
  workers: Number(values.workers),
  seed: Number(values.seed),
  tell: (line) => console.log(line),
  ...(restarts + cuts > 0 ? { meanwhile } : {}),
}).finally(() => postgres?.stop())
print('Torture', [figures])
for (const problem of problems) console.log(`WRONG: ${problem}`)
console.log(problems.length === 0 ? '\nEvery promise was kept.' : `\n${problems.length} promises were broken.`)
process.exitCode = problems.length === 0 ? 0 : 1

function fail(why: string): never {
  console.error(`The torture cannot begin: ${why}`)
  process.exit(2)
}
