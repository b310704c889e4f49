import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  advance,
  type Fleet,
  type FleetAction,
  type FleetEvent,
  isFinished,
  newFleet,
  nextDueAt,
} from '../../src/development/fleet.ts'
import type { PlannedService } from '../../src/development/planned-service.ts'
import { service } from './planned.ts'

/*
 * A fleet against a world of processes that start, fail, answer, end and refuse to end as chance has it. Whatever
 * happens, a service has one incarnation at a time, every process is known until it is gone, and a stop ends.
 */

interface Process {
  readonly name: string
  readonly incarnation: number
  state: 'being made' | 'alive' | 'exited' | 'gone'
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
      yieldsWhenAskedTwice: fc.boolean(),
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
  what: fc.constantFrom('launched', 'not launched', 'answered', 'exited', 'emptied', 'stale', 'restart', 'time'),
  who: fc.constantFrom(...names),
  status: fc.constantFrom(0, 1, 7),
  afterMs: fc.constantFrom(0, 1, 500, 1500, 11_000, 40_000),
})
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never

class World {
  fleet: Fleet
  now = 0
  readonly processes: Process[] = []
  private readonly stubborn: string

  constructor(services: readonly PlannedService[], stubborn: string) {
    this.fleet = newFleet(services, 0)
    this.stubborn = stubborn
    this.tell({ kind: 'tick' })
  }

  tell(event: FleetEvent): void {
    const { fleet, actions } = advance(this.fleet, event, this.now)
    this.fleet = fleet
    for (const action of actions) this.perform(action)
    this.check()
  }

  happen({ what, who, status, afterMs }: Happening): void {
    this.now += afterMs
    this.tell({ kind: 'tick' })
    const process = this.latest(who)
    if (what === 'restart') this.tell({ kind: 'restart', name: who })
    if (what === 'restart' || what === 'time' || process === undefined) return
    const about = { name: who, incarnation: process.incarnation }
    const exit = { status, signal: undefined }
    if (what === 'stale') this.tell({ ...about, incarnation: about.incarnation - 1, kind: 'emptied' })
    else if (what === 'launched' && process.state === 'being made') {
      process.state = 'alive'
      this.tell({ ...about, kind: 'launched' })
    } else if (what === 'not launched' && process.state === 'being made') {
      process.state = 'gone'
      this.tell({ ...about, kind: 'not launched', ...(status > 0 && { error: new Error('no') }) })
    } else if (what === 'answered' && process.state === 'alive') this.tell({ ...about, kind: 'answered' })
    else if (what === 'exited' && process.state === 'alive') {
      process.state = 'exited'
      this.tell({ ...about, kind: 'exited', exit })
    } else if (what === 'emptied' && process.state === 'exited') {
      process.state = 'gone'
      this.tell({ ...about, kind: 'emptied' })
    }
  }

  /** From the stop on: whoever can go, goes; time passes only when nothing else happens. */
  runOut(): number {
    const startedAt = this.now
    for (let round = 0; !isFinished(this.fleet); round += 1) {
      if (round > 1000) throw new Error('the stop does not end')
      const process = this.processes.find((one) => one.state === 'being made' || this.isToGo(one))
      if (process === undefined) {
        const dueAt = nextDueAt(this.fleet)
        if (dueAt === undefined) throw new Error('the stop waits for nothing')
        this.now = Math.max(this.now, dueAt)
        this.tell({ kind: 'tick' })
        continue
      }
      const about = { name: process.name, incarnation: process.incarnation }
      if (process.state === 'being made') {
        process.state = 'alive'
        this.tell({ ...about, kind: 'launched' })
      } else if (process.state === 'alive') {
        process.state = 'exited'
        this.tell({ ...about, kind: 'exited', exit: { status: 143, signal: 'SIGTERM' } })
      } else {
        process.state = 'gone'
        this.tell({ ...about, kind: 'emptied' })
      }
    }
    return this.now - startedAt
  }

  private isToGo(process: Process): boolean {
    if (process.state === 'gone' || process.state === 'being made') return false
    if (this.stubborn === 'obeys') return process.signals.length > 0
    return this.stubborn === 'ignores' && process.signals.includes('SIGKILL')
  }

  private perform(action: FleetAction): void {
    if (action.do === 'launch') {
      this.processes.push({ name: action.name, incarnation: action.incarnation, state: 'being made', signals: [] })
    } else if (action.do === 'signal') {
      const process = this.processes.find(
        ({ name, incarnation }) => name === action.name && incarnation === action.incarnation,
      )
      if (process === undefined) throw new Error(`a signal to nobody: ${action.name}#${action.incarnation}`)
      process.signals.push(action.signal)
    }
  }

  private check(): void {
    for (const name of names) {
      const living = this.processes.filter((one) => one.name === name && one.state !== 'gone')
      const life = this.fleet.lives.get(name)!
      // What SIGKILL has not ended within five seconds is given up; it is the only thing that may be left.
      const counted = living.filter(({ signals }) => !signals.includes('SIGKILL'))
      expect(counted.length).toBeLessThanOrEqual(1)
      const [process] = counted
      if (process?.state === 'alive' || process?.state === 'exited') expect(life.hasGroup).toBe(true)
      if (process?.state === 'being made') expect(life.moment.phase).toBe('launching')
    }
    for (const { signals } of this.processes) {
      expect(signals.filter((signal) => signal === 'SIGTERM').length).toBeLessThanOrEqual(2)
      expect(signals.filter((signal) => signal === 'SIGKILL').length).toBeLessThanOrEqual(1)
    }
  }

  private latest(name: string): Process | undefined {
    return this.processes.findLast((process) => process.name === name)
  }
}

const runs = { numRuns: 3000, seed: 1 }

it('whatever happens, a service has one incarnation at a time, no process is lost, and a stop ends in its time', () => {
  fc.assert(
    fc.property(
      planned,
      stubbornness,
      fc.array(happening, { maxLength: 40 }),
      fc.constantFrom('stop', 'force'),
      (services, stubborn, happenings, ending) => {
        const world = new World(services, stubborn)
        for (const one of happenings) world.happen(one)
        world.tell({ kind: ending })
        // Three in a row, each with its own time, a second request where it yields, and what follows SIGKILL.
        expect(world.runOut()).toBeLessThanOrEqual(3 * (10_000 + 1200 + 5000 + 5000))
        const left = world.processes.filter(({ state, signals }) => state !== 'gone' && !signals.includes('SIGKILL'))
        expect(left).toEqual([])
      },
    ),
    runs,
  )
})

it('whatever happens, nobody is asked to stop before those that depend on it are gone', () => {
  fc.assert(
    fc.property(planned, fc.array(happening, { maxLength: 40 }), (services, happenings) => {
      const world = new World(services, 'obeys')
      for (const one of happenings) if (one.what !== 'restart' && one.what !== 'exited') world.happen(one)
      if (world.fleet.isStopping) return
      const asked = () => world.processes.filter(({ signals }) => signals.length > 0).map(({ name }) => name)
      world.tell({ kind: 'stop' })
      for (const name of asked()) {
        const behind = services.filter(({ dependsOn }) => dependsOn.some((one) => one.name === name))
        for (const one of behind) {
          expect(world.processes.filter(({ name: other, state }) => other === one.name && state !== 'gone')).toEqual([])
        }
      }
    }),
    runs,
  )
})
