import fc from 'fast-check'
import { expect } from 'vitest'
import { isSettled } from '../../../src/task/lifecycle.ts'
import type { Attempt, Expected, Task } from './expected.ts'
import { pick, type System } from './system.ts'

export type ModelCommand = fc.AsyncCommand<Expected, System>

/** A command with its arguments. Everything is compared after it. */
export function command<T>(
  name: string,
  args: fc.Arbitrary<T>,
  run: (model: Expected, system: System, args: T) => Promise<void>,
  isPossible: (model: Expected) => boolean = () => true,
): fc.Arbitrary<ModelCommand> {
  return args.map((values) => ({
    check: isPossible,
    run: async (model, system) => {
      await run(model, system, values)
      await system.compare(model)
    },
    toString: () => `${name}(${fc.stringify(values)})`,
  }))
}

/** Makes a choice more likely. */
export function often<T>(times: number, choice: T): T[] {
  return Array(times).fill(choice)
}

export const nth = fc.nat(30)
export const worker = fc.nat(2)
export const person = fc.constantFrom('ada', 'bob')
export const environment = fc.constantFrom('a', 'b', null)
export const hour = 3_600_000

/** A run of a worker: mostly an open one, sometimes one whose task another run has by now. */
export const whichRun = fc.record({
  nth,
  kind: fc.constantFrom('open', 'open', 'open', 'asked', 'asked', 'asked', 'ended', 'overtaken', 'overtaken'),
})

export function pickRun(model: Expected, { nth, kind }: { nth: number; kind: string }): Attempt | undefined {
  const workerRuns = model.runs.filter(({ handle }) => handle)
  const wanted = workerRuns.filter(({ isOpen, askedBy, task }) => {
    if (kind === 'open') return isOpen
    if (kind === 'asked') return isOpen && askedBy !== undefined
    return !isOpen && (kind === 'ended' || task.status === 'ongoing')
  })
  const open = workerRuns.filter(({ isOpen }) => isOpen)
  return pick([wanted, open, workerRuns].find((runs) => runs.length > 0) ?? [], nth)
}

/** A task of a kind, if there is one. */
export const whichTask = fc.record({
  nth,
  kind: fc.constantFrom('any', 'pending', 'ongoing', 'ongoing', 'settled', 'succeeded'),
})

export function pickTask({ tasks }: Expected, { nth, kind }: { nth: number; kind: string }): Task {
  const wanted = tasks.filter(({ status }) => (kind === 'settled' ? isSettled(status) : status === kind))
  return pick(wanted.length > 0 ? wanted : tasks, nth)!
}

export const hasRuns = ({ runs }: Expected) => runs.some(({ handle }) => handle)
export const hasTasks = ({ tasks }: Expected) => tasks.length > 0

/** The comparison checks that a refused change changes nothing. */
export async function expectRefusal(change: Promise<unknown>, message: RegExp): Promise<void> {
  await expect(change).rejects.toThrow(message)
}
