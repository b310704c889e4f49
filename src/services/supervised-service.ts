import { setTimeout as sleep } from 'node:timers/promises'
import { isGroupEmpty, signalGroup } from '../processes/process-group.ts'
import { afterExit, type Exit, forgivenMs, settledMs } from './after-exit.ts'
import { endGroup } from './end-group.ts'
import { type Milestone, type PlannedService, probeInWords } from './planned-service.ts'
import { requireFreePort } from './port.ts'
import { isReady } from './readiness.ts'
import { serviceEnvironment } from './service-environment.ts'
import { ServiceFailedError, ServiceNotReadyError } from './service-errors.ts'
import type { ServiceReport } from './service-report.ts'
import { type ServiceProcess, startProcess } from './start-process.ts'

/** A service over all its starts. */
export class SupervisedService {
  readonly service: PlannedService
  readonly #environment: NodeJS.ProcessEnv
  readonly #report: ServiceReport
  readonly #force: AbortSignal
  readonly #milestones = {
    started: Promise.withResolvers<void>(),
    ready: Promise.withResolvers<void>(),
    completed: Promise.withResolvers<void>(),
  }
  #process: ServiceProcess | undefined
  #stopped: Promise<'ended' | 'killed'> | undefined
  #hasBeenUp = false

  /** @param surroundings `force` cuts every stop short */
  constructor(
    service: PlannedService,
    surroundings: { environment: NodeJS.ProcessEnv; report: ServiceReport; force: AbortSignal },
  ) {
    this.service = service
    this.#environment = surroundings.environment
    this.#report = surroundings.report
    this.#force = surroundings.force
  }

  /** Resolves when it is there for the first time, and never when it does not come to it. */
  reached(milestone: Milestone): Promise<void> {
    return this.#milestones[milestone].promise
  }

  /**
   * Starts the service, and again after each failure that its `restart` forgives; resolves when it has ended for good,
   * or has been told to stop.
   *
   * @throws OpsError when it has failed for good
   */
  async run(stop: AbortSignal): Promise<void> {
    for (let failures = 0; !stop.aborted; failures += 1) {
      const startedAt = performance.now()
      const exit = await this.#liveOnce(stop)
      if (exit === undefined || stop.aborted) return

      const livedMs = performance.now() - startedAt
      if (this.service.probe === undefined && livedMs >= settledMs) this.#hasBeenUp = true
      if (livedMs >= forgivenMs) failures = 0
      const after = afterExit(this.service, exit, { hasBeenUp: this.#hasBeenUp, failures })
      if (after.next !== 'restart') return this.#end(exit, after.next)
      this.#report.state(this.name, 'restarting', `${inWords(exit)}, starts again in ${after.delayMs / 1000} s`)
      await this.stop()
      await sleep(after.delayMs, undefined, { signal: stop }).catch(() => {})
    }
  }

  isRunning(): boolean {
    return this.#process !== undefined && !isGroupEmpty(this.#process.group)
  }

  /** Ends all that is left of its latest start. Asked again, it sends no second signal. */
  stop(): Promise<'ended' | 'killed'> {
    this.#stopped ??= this.#endProcess()
    return this.#stopped
  }

  /** What is left to do when ops itself must go at once. */
  signalOnTheWayOut(): void {
    if (this.#process !== undefined) signalGroup(this.#process.group, this.service.stopSignal)
  }

  get name(): string {
    return this.service.name
  }

  async #liveOnce(stop: AbortSignal): Promise<Exit | undefined> {
    const { service } = this
    this.#report.state(this.name, 'starting')
    const env = await serviceEnvironment(service, this.#environment)
    if (service.port !== undefined) await requireFreePort(this.name, service.port)
    if (stop.aborted) return undefined

    const process = await startProcess(service, env)
    this.#process = process
    this.#stopped = undefined
    process.output.on('lines', (text) => this.#report.output(this.name, text))
    this.#milestones.started.resolve()
    await this.#becomeReady(process, env, stop)
    return process.exit
  }

  async #becomeReady(process: ServiceProcess, env: Record<string, string>, stop: AbortSignal): Promise<void> {
    const { probe, cwd, oneshot } = this.service
    if (oneshot) return
    if (probe === undefined) {
      // Without a probe the start is all there is to see.
      this.#milestones.ready.resolve()
      return this.#report.state(this.name, 'started')
    }

    const awaited = probeInWords(probe)
    this.#report.state(this.name, 'starting', `waiting for ${awaited}`)
    const gone = new AbortController()
    void process.exit.then(() => gone.abort())
    const timeout = AbortSignal.timeout(probe.timeoutMs)
    const signal = AbortSignal.any([stop, gone.signal, timeout])
    if (await isReady(probe, { output: process.output, cwd, env, signal })) {
      this.#hasBeenUp = true
      this.#reach('ready')
    } else if (timeout.aborted && !stop.aborted && !gone.signal.aborted) {
      const error = new ServiceNotReadyError(this.name, awaited, probe.timeoutMs)
      // One that was ready before is left to itself: it may only be slow, and what it does is not ours to cut off.
      if (!this.#hasBeenUp) throw error
      this.#report.state(this.name, 'failed', error.message)
    }
  }

  async #endProcess(): Promise<'ended' | 'killed'> {
    if (this.#process === undefined) return 'ended'
    const how = await endGroup(this.#process.group, this.service, this.#force)
    await this.#process.exit
    return how
  }

  #reach(milestone: 'ready' | 'completed'): void {
    this.#milestones[milestone].resolve()
    this.#report.state(this.name, milestone)
  }

  #end(exit: Exit, how: 'ended' | 'failed'): void {
    if (how === 'failed') throw new ServiceFailedError(this.name, inWords(exit), exit.status || 1)
    if (this.service.oneshot) this.#reach('completed')
    else this.#report.state(this.name, 'ended', inWords(exit))
  }
}

function inWords({ status, signal }: Exit): string {
  return signal === undefined ? `ended with status ${status}` : `was ended by ${signal}`
}
