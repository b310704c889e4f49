import fc from 'fast-check'
import { describe, it } from 'vitest'
import { act, actConcurrently } from './model/concurrency.ts'
import { enqueueCommands } from './model/enqueue-commands.ts'
import { Expected } from './model/expected.ts'
import { foreignCommands } from './model/foreign-commands.ts'
import { migrationCommands } from './model/migration-commands.ts'
import { personCommands } from './model/person-commands.ts'
import { pruneCommands } from './model/prune-commands.ts'
import { scheduleCommands } from './model/schedule-commands.ts'
import { type ModelDatabase, System } from './model/system.ts'
import { workerCommands } from './model/worker-commands.ts'

const allCommands = [
  ...workerCommands,
  ...enqueueCommands,
  ...personCommands,
  ...scheduleCommands,
  ...foreignCommands,
  ...pruneCommands,
  ...migrationCommands,
]

const WORKERS = 3
const MOST_COMMANDS = 60

/**
 * `OPS_MODEL_RUNS=5000` for a long run, `OPS_MODEL_SEED` for other sequences; `OPS_MODEL_PATH` and `OPS_MODEL_REPLAY` with
 * what fast-check printed of a failure, to repeat it.
 */
const { OPS_MODEL_RUNS, OPS_MODEL_SEED = '1', OPS_MODEL_PATH, OPS_MODEL_REPLAY } = process.env

/** Compares a queue with a model of it, over sequences of actions of workers, people and other programs. */
export function queueModel(name: string, create: () => Promise<ModelDatabase>, runs: number): void {
  const numRuns = Number(OPS_MODEL_RUNS ?? runs)
  const seed = Number(OPS_MODEL_SEED)
  const parameters: fc.Parameters<unknown> = {
    numRuns,
    seed,
    ...(OPS_MODEL_PATH === undefined ? {} : { path: OPS_MODEL_PATH }),
  }
  const commands = fc.commands(allCommands, {
    maxCommands: MOST_COMMANDS,
    size: 'max',
    ...(OPS_MODEL_REPLAY === undefined ? {} : { replayPath: OPS_MODEL_REPLAY }),
  })

  const inSystem = async (use: (system: System) => Promise<void>) => {
    const system = new System(await create())
    try {
      for (let place = 0; place < WORKERS; place += 1) await system.start(place)
      await use(system)
    } finally {
      await system.close()
    }
  }

  describe(`the queue on ${name}`, () => {
    it('behaves like the model', async () => {
      const property = fc.asyncProperty(fc.noBias(commands), (commands) =>
        inSystem((real) => fc.asyncModelRun(() => ({ model: new Expected(), real }), commands)),
      )
      await fc.assert(property, parameters as never)
    })

    it('keeps its promises to concurrent workers', async () => {
      const script = fc.noBias(fc.array(act, { minLength: 4, maxLength: 16, size: 'max' }))
      const scripts = fc.array(script, { minLength: WORKERS, maxLength: WORKERS })
      const property = fc.asyncProperty(scripts, fc.scheduler(), (scripts, scheduler) =>
        inSystem((system) => actConcurrently(system, scripts, scheduler)),
      )
      await fc.assert(property, { numRuns: Math.ceil(numRuns / 4), seed })
    })
  })
}
