import fc from 'fast-check'
import { describe, it } from 'vitest'
import { act, actAtOnce } from './model/concurrency.ts'
import { enqueueCommands } from './model/enqueue-commands.ts'
import { Expected } from './model/expected.ts'
import { foreignCommands } from './model/foreign-commands.ts'
import { personCommands } from './model/person-commands.ts'
import { scheduleCommands } from './model/schedule-commands.ts'
import { type ModelDatabase, System } from './model/system.ts'
import { workerCommands } from './model/worker-commands.ts'

const everything = [...workerCommands, ...enqueueCommands, ...personCommands, ...scheduleCommands, ...foreignCommands]

const WORKERS = 3
const MOST_COMMANDS = 60

/**
 * What fast-check is told from outside: `OPS_MODEL_RUNS=5000` for a long run, `OPS_MODEL_SEED=2` for other sequences;
 * `OPS_MODEL_PATH` and `OPS_MODEL_REPLAY` with what it has printed of a failure, to see it again.
 */
const { OPS_MODEL_RUNS, OPS_MODEL_SEED = '1', OPS_MODEL_PATH, OPS_MODEL_REPLAY } = process.env

/** Compares a queue with a model of it, over random sequences of what workers, people and other programs do. */
export function queueModel(name: string, create: () => Promise<ModelDatabase>, runs: number): void {
  const numRuns = Number(OPS_MODEL_RUNS ?? runs)
  const seed = Number(OPS_MODEL_SEED)
  const parameters: fc.Parameters<unknown> = {
    numRuns,
    seed,
    ...(OPS_MODEL_PATH === undefined ? {} : { path: OPS_MODEL_PATH }),
  }
  const commands = fc.commands(everything, {
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

  describe(`a model of the queue on ${name}`, { timeout: 600_000 + numRuns * 1000 }, () => {
    it('does the same', async () => {
      const property = fc.asyncProperty(fc.noBias(commands), (commands) =>
        inSystem((real) => fc.asyncModelRun(() => ({ model: new Expected(), real }), commands)),
      )
      await fc.assert(property, parameters as never)
    })

    it('keeps its promises to several at once', async () => {
      const script = fc.noBias(fc.array(act, { minLength: 4, maxLength: 16, size: 'max' }))
      const scripts = fc.array(script, { minLength: WORKERS, maxLength: WORKERS })
      const property = fc.asyncProperty(scripts, fc.scheduler(), (scripts, scheduler) =>
        inSystem((system) => actAtOnce(system, scripts, scheduler)),
      )
      await fc.assert(property, { numRuns: Math.ceil(numRuns / 4), seed })
    })
  })
}
