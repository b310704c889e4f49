import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { PlannedService } from '../../src/development/planned-service.ts'
import {
  advance,
  initialSession,
  isFinished,
  nextDueAt,
  type SessionAction,
  type SessionEvent,
  type SessionState,
} from '../../src/development/session-state.ts'
import { service } from './planned.ts'

/*
 * A session and simulated processes that start, fail, become ready, exit and refuse to exit at random. Whatever happens,
 * a service has one generation at a time, every process is known until it is gone, and a stop ends.
 */

interface Process {
  readonly name: string
  readonly generation: number
  state: 'launching' | 'alive' | 'exited' | 'gone'
  signals: string[]
}

const stubbornness = fc.constantFrom('obeys', 'ignores', 'outlives')
const names = ['a', 'b', 'c'] as const

const planned: fc.Arbitrary<PlannedService[]> = fc.tuple(...names.map(aService)).map((services) => services)

function aService(name: string, index: number): fc.Arbitrary<PlannedService> {
  return fc
    .record({
      dependsOn: fc.subarray(names.slice(0, index)),
      until: fc.constantFrom('started', 'ready'),
      isProbed: fc.boolean(),
      oneshot: fc.boolean(),
      restart: fc.constantFrom('always', 'on-failure', 'never'),
      stopsOnSecondSignal: fc.boolean(),
      isWatched: fc.boolean(),
    })
    .map(({ dependsOn, until, isProbed, oneshot, isWatched, ...given }) =>
      service(name, {
        ...given,
        oneshot: oneshot && !isProbed,
        probe: isProbed ? { kind: 'port', port: 1, timeoutMs: 3000 } : undefined,
        watch: isWatched ? ['/x'] : [],
        dependsOn: dependsOn.map((on) => ({ name: on, until })),
      }),
    )
}

const happening = fc.record({
  what: fc.constantFrom(
    'launched',
    'launch_failed',
    'probe_succeeded',
    'exited',
    'group_emptied',
    'stale',
    'restart',
    'time',
  ),
  who: fc.constantFrom(...names),
  status: fc.constantFrom(0, 1, 7),
  afterMs: fc.constantFrom(0, 1, 500, 1500, 11_000, 40_000),
})
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never

class World {
  session: SessionState
  now = 0
  readonly processes: Process[] = []
  readonly #stubbornness: string

  constructor(services: readonly PlannedService[], stubbornness: string) {
    this.session = initialSession(services, 0)
    this.#stubbornness = stubbornness
    this.send({ kind: 'tick' })
  }

  send(event: SessionEvent): void {
    const { state, actions } = advance(this.session, event, this.now)
    this.session = state
    for (const action of actions) this.#perform(action)
    this.#check()
  }

  happen({ what, who, status, afterMs }: Happening): void {
    this.now += afterMs
    this.send({ kind: 'tick' })
    const process = this.#latest(who)
    if (what === 'restart') this.send({ kind: 'restart', name: who })
    if (what === 'restart' || what === 'time' || process === undefined) return
    const about = { name: who, generation: process.generation }
    const exit = { exitCode: status, signal: undefined }
    if (what === 'stale') this.send({ ...about, generation: about.generation - 1, kind: 'group_emptied' })
    else if (what === 'launched' && process.state === 'launching') {
      process.state = 'alive'
      this.send({ ...about, kind: 'launched' })
    } else if (what === 'launch_failed' && process.state === 'launching') {
      process.state = 'gone'
      this.send({ ...about, kind: 'launch_failed', ...(status > 0 && { error: new Error('no') }) })
    } else if (what === 'probe_succeeded' && process.state === 'alive') this.send({ ...about, kind: 'probe_succeeded' })
    else if (what === 'exited' && process.state === 'alive') {
      process.state = 'exited'
      this.send({ ...about, kind: 'exited', exit })
    } else if (what === 'group_emptied' && process.state === 'exited') {
      process.state = 'gone'
      this.send({ ...about, kind: 'group_emptied' })
    }
  }

  /** After the stop: processes that can exit do; time passes only when nothing else happens. */
  runOut(): number {
    const startedAt = this.now
    for (let round = 0; !isFinished(this.session); round += 1) {
      if (round > 1000) throw new Error('the stop does not end')
      const process = this.processes.find((one) => one.state === 'launching' || this.#exits(one))
      if (process === undefined) {
        const dueAt = nextDueAt(this.session)
        if (dueAt === undefined) throw new Error('the stop waits for nothing')
        this.now = Math.max(this.now, dueAt)
        this.send({ kind: 'tick' })
        continue
      }
      const about = { name: process.name, generation: process.generation }
      if (process.state === 'launching') {
        process.state = 'alive'
        this.send({ ...about, kind: 'launched' })
      } else if (process.state === 'alive') {
        process.state = 'exited'
        this.send({ ...about, kind: 'exited', exit: { exitCode: 143, signal: 'SIGTERM' } })
      } else {
        process.state = 'gone'
        this.send({ ...about, kind: 'group_emptied' })
      }
    }
    return this.now - startedAt
  }

  #exits(process: Process): boolean {
    if (process.state === 'gone' || process.state === 'launching') return false
    if (this.#stubbornness === 'obeys') return process.signals.length > 0
    return this.#stubbornness === 'ignores' && process.signals.includes('SIGKILL')
  }

  #perform(action: SessionAction): void {
    if (action.do === 'launch') {
      this.processes.push({ name: action.name, generation: action.generation, state: 'launching', signals: [] })
    } else if (action.do === 'signal') {
      const process = this.processes.find(
        ({ name, generation }) => name === action.name && generation === action.generation,
      )
      if (process === undefined) throw new Error(`a signal to no process: ${action.name}#${action.generation}`)
      process.signals.push(action.signal)
    }
  }

  #check(): void {
    for (const name of names) {
      const living = this.processes.filter((one) => one.name === name && one.state !== 'gone')
      const state = this.session.states.get(name)!
      // What SIGKILL does not end within five seconds is given up; nothing else may be left.
      const counted = living.filter(({ signals }) => !signals.includes('SIGKILL'))
      expect(counted.length).toBeLessThanOrEqual(1)
      const [process] = counted
      if (process?.state === 'alive' || process?.state === 'exited') expect(state.hasGroup).toBe(true)
      if (process?.state === 'launching') expect(state.phase.name).toBe('launching')
    }
    for (const { signals } of this.processes) {
      expect(signals.filter((signal) => signal === 'SIGTERM').length).toBeLessThanOrEqual(2)
      expect(signals.filter((signal) => signal === 'SIGKILL').length).toBeLessThanOrEqual(1)
    }
  }

  #latest(name: string): Process | undefined {
    return this.processes.findLast((process) => process.name === name)
  }
}

const runs = { numRuns: 1000, seed: 1 }

it('whatever happens, a service has one generation at a time, no process is lost, and a stop ends in its time', () => {
  fc.assert(
    fc.property(
      planned,
      stubbornness,
      fc.array(happening, { maxLength: 40 }),
      fc.constantFrom('stop', 'force'),
      (services, stubborn, happenings, ending) => {
        const world = new World(services, stubborn)
        for (const one of happenings) world.happen(one)
        world.send({ kind: ending })
        // Three in a row, each with its timeout, a second signal where it takes one, and the time after SIGKILL.
        expect(world.runOut()).toBeLessThanOrEqual(3 * (10_000 + 1200 + 5000 + 5000))
        const left = world.processes.filter(({ state, signals }) => state !== 'gone' && !signals.includes('SIGKILL'))
        expect(left).toEqual([])
      },
    ),
    runs,
  )
})

it('whatever happens, a service gets its stop signal only when its dependents are gone', () => {
  fc.assert(
    fc.property(planned, fc.array(happening, { maxLength: 40 }), (services, happenings) => {
      const world = new World(services, 'obeys')
      for (const one of happenings) if (one.what !== 'restart' && one.what !== 'exited') world.happen(one)
      if (world.session.isStopping) return
      const signaled = () => world.processes.filter(({ signals }) => signals.length > 0).map(({ name }) => name)
      world.send({ kind: 'stop' })
      for (const name of signaled()) {
        const dependents = services.filter(({ dependsOn }) => dependsOn.some((one) => one.name === name))
        for (const one of dependents) {
          expect(world.processes.filter(({ name: other, state }) => other === one.name && state !== 'gone')).toEqual([])
        }
      }
    }),
    runs,
  )
})
