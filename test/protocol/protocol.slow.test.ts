import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { formatCount, formatDuration } from '../../src/format.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { missingProgram, unless } from '../support/unless.ts'

const run = promisify(execFile)
const model = join(import.meta.dirname, 'protocol.pml')
const missing = unless(missingProgram('spin', '-V') ?? missingProgram('gcc'))

type Defines = Readonly<Record<string, number | true>>

const none = { CRASHES: 0, CUTS: 0, RETURNS: 0, CANCELS: 0 }
const oneMachine = { ...none, MACHINES: 1 }

/** How often which things happen: one configuration with all of them would take hours. */
const configurations: Readonly<Record<string, Defines>> = {
  'one machine, crashes': { ...oneMachine, CRASHES: 2, RETURNS: 1, CANCELS: 1 },
  'one machine, a foreign writer': { ...oneMachine, CRASHES: 1, RETURNS: 1, FOREIGN_RUNS: 1, FOREIGN_WRITES: 1 },
  'one machine, pruning': { ...oneMachine, CRASHES: 1, RETURNS: 1, CANCELS: 1, PRUNES: 2 },
  'one machine, a cut': { ...oneMachine, CRASHES: 1, CUTS: 1 },
  'one machine, no triggers': { ...oneMachine, TRIGGERS: 0, CRASHES: 1, RETURNS: 1, FOREIGN_WRITES: 1 },
  'one machine, no triggers, no key': { ...oneMachine, TRIGGERS: 0, KEYED: 0, CRASHES: 1, FOREIGN_WRITES: 1 },
  'two machines, a cut and a foreign writer': { ...none, CUTS: 1, FOREIGN_RUNS: 1, PRUNES: 1 },
  'two machines, a cut, a crash and a cancel': { ...none, CUTS: 1, CRASHES: 1, CANCELS: 1 },
  'two machines, two cuts': { ...none, CUTS: 2 },
  'two machines, a cut and a restart of the database': { ...none, CUTS: 1, RESETS: 1, RETURNS: 1 },
  'two machines, no key': { ...none, KEYED: 0, CUTS: 1, CRASHES: 1 },
}

/** Searched for broken promises, and not for executions without an end: that doubles the states. */
const large: Readonly<Record<string, Defines>> = {
  'two machines, a cut, a crash and a retry': { ...none, CUTS: 1, CRASHES: 1, RETURNS: 1 },
  'two machines, a cut, a crash and a restart of the database': { ...none, CUTS: 1, CRASHES: 1, RESETS: 1 },
}

/** What a broken property looks like in the words of the verifier. */
const broken = {
  'two at once': /processes/,
  'a run that ends twice': /\.ended\)/,
  'a run of a task that is not pending': /\(status\[/,
  'a row that is taken': /\(open\[.*==0\)/,
  'a task that is never decided': /status\[0\]==.*status\[1\]==.*open_key==0/,
}

const mistakes: readonly (readonly [define: string, finds: keyof typeof broken, where: Defines])[] = [
  ['MISTAKE_NO_FENCE', 'a run that ends twice', { ...none, CUTS: 1 }],
  ['MISTAKE_SETTLE_EARLY', 'two at once', { ...none, CANCELS: 1 }],
  ['MISTAKE_CLAIM_UNCHECKED', 'a run of a task that is not pending', none],
  ['MISTAKE_CLAIM_BY_STATUS', 'a row that is taken', { ...none, TRIGGERS: 0, KEYED: 0, FOREIGN_WRITES: 1 }],
  ['MISTAKE_NO_CLEANING', 'two at once', { ...oneMachine, CRASHES: 1 }],
  ['MISTAKE_OVERDUE_ALIVE', 'two at once', none],
  ['MISTAKE_TAKE_OVER_EARLY', 'two at once', { ...none, CUTS: 1 }],
  ['MISTAKE_NO_SECOND_LOOK', 'two at once', { ...none, CUTS: 1 }],
  ['MISTAKE_OLD_FREE_LOCK', 'two at once', { ...none, CUTS: 1, RESETS: 1 }],
  ['MISTAKE_NO_DOUBT', 'a task that is never decided', { ...none, CUTS: 1 }],
  ['MISTAKE_WALL_CLOCK', 'two at once', { ...none, CUTS: 1 }],
  ['MISTAKE_START_LATE', 'two at once', { ...none, CUTS: 1 }],
  ['MISTAKE_RENEW_LATE', 'two at once', { ...none, CUTS: 1 }],
  ['MISTAKE_RENEW_UNCHECKED', 'two at once', { ...none, CUTS: 1 }],
  ['MISTAKE_LEASE_FROM_ANSWER', 'two at once', { ...none, CUTS: 1, RESETS: 1 }],
  ['WITHOUT_SHORT_PAUSES', 'two at once', { ...none, CUTS: 1 }],
  ['WITHOUT_DYING_CHILDREN', 'two at once', { ...none, CRASHES: 1 }],
  ['WITHOUT_CAREFUL_PERSON', 'two at once', { ...oneMachine, FOREIGN_RUNS: 1 }],
  ['WITHOUT_DURABLE_COMMITS', 'two at once', { ...none, RESETS: 1 }],
]

describe('the protocol', () => {
  it.each(Object.entries(configurations))(
    'keeps its promises and comes to an end: %s',
    missing,
    async (name, defines) => {
      // Nothing in the model is marked as progress, so that this search finds every cycle: without one, all comes to an end.
      const found = await search(defines, ['-O2', '-DNP'], ['-l'])
      expectAllKept(name, found)
    },
  )

  it.each(Object.entries(large))('keeps its promises: %s', missing, async (name, defines) => {
    expectAllKept(name, await search(defines, ['-O2', '-DSAFETY']))
  })

  it.each(mistakes)('would be broken by %s: %s', missing, async (define, finds, where) => {
    const found = await search({ ...where, [define]: true }, ['-O0', '-DSAFETY'])
    expect(found.errors).toBe(1)
    expect(found.problem).toMatch(broken[finds])
  })

  it('is broken by every switch that the model has', () => {
    const switches = readFileSync(model, 'utf8').match(/\b(MISTAKE|WITHOUT)_[A-Z_]+/g)
    expect(new Set(mistakes.map(([define]) => define))).toEqual(new Set(switches))
  })

  it('is implemented by files that exist', () => {
    const root = join(import.meta.dirname, '..', '..')
    const named = readFileSync(model, 'utf8').match(/\bsrc\/[\w/.-]+\.ts/g)!
    expect(named.filter((file) => !existsSync(join(root, file)))).toEqual([])
  })
})

function expectAllKept(name: string, found: Found) {
  console.log(`${name}: ${formatCount(found.states, 'state')} in ${formatDuration(found.seconds * 1000)}`)
  expect(found).toMatchObject({ errors: 0, isComplete: true, problem: undefined })
  expect(found.states).toBeGreaterThan(10_000)
}

interface Found {
  readonly errors: number
  /** Whether every state was visited. */
  readonly isComplete: boolean
  readonly problem: string | undefined
  readonly states: number
  readonly seconds: number
}

/** Searches all states of the model. */
async function search(defines: Defines, flags: readonly string[], options: readonly string[] = []): Promise<Found> {
  const cwd = temporaryFolder()
  const definitions = Object.entries(defines).map(([name, value]) =>
    value === true ? `-D${name}` : `-D${name}=${value}`,
  )
  await run('spin', ['-a', ...definitions, model], { cwd })
  // The limit is in megabytes; a search that reaches it says that it is not complete.
  await run('gcc', ['-w', '-DMEMLIM=2000', ...flags, '-o', 'pan', 'pan.c'], { cwd })
  const { stdout } = await run(join(cwd, 'pan'), ['-n', '-m100000', ...options], { cwd, maxBuffer: 2 ** 26 })
  const number = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1])
  return {
    errors: number(/errors: (\d+)/),
    isComplete:
      stdout.includes('Full statespace search') &&
      !/Search not completed|search depth too small|out of memory/.test(stdout),
    problem: /^pan:1: (.*)/m.exec(stdout)?.[1],
    states: number(/(\d+) states, stored/),
    seconds: number(/elapsed time ([\d.]+)/),
  }
}
