import { type ChildProcess, spawn } from 'node:child_process'
import { extname, join } from 'node:path'
import { processStat } from '../platform/proc.ts'
import { signalGroup } from '../platform/process-group.ts'
import { dependents } from './dependency-order.ts'
import type { GuardianMessage } from './guardian.ts'
import type { PlannedService } from './planned-service.ts'

type Expected = Extract<GuardianMessage, { expect: string }>['as']
type Manners = Omit<Expected, 'output'>
type GuardedOutput = Expected['output']

/** Keeps the guardian up to date about which process groups there are. */
export class Guarded {
  readonly #manners: ReadonlyMap<string, Manners>
  readonly #wards = new Map<number, Extract<GuardianMessage, { guard: unknown }>>()
  #guardian: ChildProcess
  #isOver = false

  constructor(planned: readonly PlannedService[]) {
    const behind = dependents(planned)
    this.#manners = new Map(
      planned.map(({ name, stopSignal, stopTimeoutMs, yieldsWhenAskedTwice }) => [
        name,
        { name, stopSignal, stopTimeoutMs, yieldsWhenAskedTwice, dependents: behind.get(name)! },
      ]),
    )
    this.#guardian = this.#start()
  }

  get pid(): number | undefined {
    return this.#guardian.pid
  }

  /** To be said before a process is made, so that no moment is left in which nobody knows of it. */
  expect(name: string, mark: string, output: GuardedOutput): void {
    this.#say({ expect: mark, as: { ...this.#manners.get(name)!, output } })
  }

  guard(name: string, mark: string, output: GuardedOutput, group: number): void {
    const ward = { ...this.#manners.get(name)!, output, group, startTime: processStat(group)?.startTime }
    const message = { guard: ward, expected: mark }
    this.#wards.set(group, message)
    this.#say(message)
  }

  /** It has been sent its stop signal. */
  asked(group: number): void {
    this.#say({ asked: group })
  }

  release(group: number): void {
    this.#wards.delete(group)
    this.#say({ release: group })
  }

  /** Nothing is left to guard. */
  dismiss(): void {
    this.#isOver = true
    this.#say('bye')
    this.#guardian.stdin?.destroy()
  }

  /** What is left to do when ops itself ends at once, and the guardian is not there. */
  signalIfAlone(): void {
    if (this.#guardian.exitCode === null && this.#guardian.signalCode === null && this.#guardian.pid !== undefined) {
      return
    }
    for (const { guard } of this.#wards.values()) signalGroup(guard.group, guard.stopSignal)
  }

  #start(): ChildProcess {
    const file = join(import.meta.dirname, `guardian${extname(import.meta.filename)}`)
    // Neither the terminal's signals nor the project's environment are its business.
    const guardian = spawn(process.execPath, [file], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
      env: {},
    })
    guardian.unref()
    guardian.stdin.on('error', () => {})
    guardian.on('error', () => {})
    // Somebody has ended it alone: another one takes over.
    const startedAt = performance.now()
    guardian.once('exit', () => {
      if (this.#isOver || performance.now() - startedAt < 1000) return
      this.#guardian = this.#start()
      for (const message of this.#wards.values()) this.#say(message)
    })
    return guardian
  }

  #say(message: GuardianMessage): void {
    this.#guardian.stdin?.write(`${JSON.stringify(message)}\n`)
  }
}
