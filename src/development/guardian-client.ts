import { type ChildProcess, spawn } from 'node:child_process'
import { extname, join } from 'node:path'
import { groupLedBy, signalGroup } from '../platform/process-group.ts'
import type { GuardedService, GuardianMessage } from './guardian.ts'
import { dependentsOf, type PlannedService } from './planned-service.ts'

type StopSettings = Omit<GuardedService, 'group' | 'output'>
type Output = GuardedService['output']

/** Starts the guardian and tells it which process groups there are. */
export class GuardianClient {
  readonly #settings: ReadonlyMap<string, StopSettings>
  readonly #guarded = new Map<number, Extract<GuardianMessage, { guard: unknown }>>()
  #guardian: ChildProcess
  #isDismissed = false

  constructor(planned: readonly PlannedService[]) {
    const dependents = dependentsOf(planned)
    this.#settings = new Map(
      planned.map(({ name, stopSignal, stopTimeoutMs, stopsOnSecondSignal }) => [
        name,
        { name, stopSignal, stopTimeoutMs, stopsOnSecondSignal, dependents: dependents.get(name)! },
      ]),
    )
    this.#guardian = this.#start()
  }

  get pid(): number | undefined {
    return this.#guardian.pid
  }

  /** To be called before a process is created, so that the guardian knows of it whenever ops dies. */
  expect(name: string, mark: string, output: Output): void {
    this.#send({ expect: mark, as: { ...this.#settings.get(name)!, output } })
  }

  guard(name: string, mark: string, output: Output, group: number): void {
    const message = { guard: { ...this.#settings.get(name)!, output, group: groupLedBy(group) }, expected: mark }
    this.#guarded.set(group, message)
    this.#send(message)
  }

  /** A group has been sent its stop signal. */
  signaled(group: number): void {
    this.#send({ signaled: group })
  }

  release(group: number): void {
    this.#guarded.delete(group)
    this.#send({ release: group })
  }

  /** Ends the guardian: nothing is left to guard. */
  dismiss(): void {
    this.#isDismissed = true
    this.#send('dismiss')
    this.#guardian.stdin?.destroy()
  }

  /** Signals the groups when ops exits without a stop and there is no guardian. */
  signalIfAlone(): void {
    if (this.#guardian.exitCode === null && this.#guardian.signalCode === null && this.#guardian.pid !== undefined) {
      return
    }
    for (const [group, { guard }] of this.#guarded) signalGroup(group, guard.stopSignal)
  }

  #start(): ChildProcess {
    const file = join(import.meta.dirname, `guardian${extname(import.meta.filename)}`)
    // It takes neither the terminal's signals nor the project's environment.
    const guardian = spawn(process.execPath, [file], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
      env: {},
    })
    guardian.unref()
    guardian.stdin.on('error', () => {})
    guardian.on('error', () => {})
    // A guardian that was killed is replaced, unless it cannot even start.
    const startedAt = performance.now()
    guardian.once('exit', () => {
      if (this.#isDismissed || performance.now() - startedAt < 1000) return
      this.#guardian = this.#start()
      for (const message of this.#guarded.values()) this.#send(message)
    })
    return guardian
  }

  #send(message: GuardianMessage): void {
    this.#guardian.stdin?.write(`${JSON.stringify(message)}\n`)
  }
}
