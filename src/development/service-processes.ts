import { randomUUID } from 'node:crypto'
import { isGroupEmpty, isGroupEmptyWithin, signalGroup } from '../platform/process-group.ts'
import { GuardianClient } from './guardian-client.ts'
import { EventLines } from './output-lines.ts'
import type { PlannedService } from './planned-service.ts'
import { waitForPort } from './port.ts'
import { isReady } from './readiness.ts'
import { serviceEnvironment } from './service-environment.ts'
import type { ServiceReporter } from './service-reporter.ts'
import type { SessionAction, SessionEvent } from './session-state.ts'
import { type OutputPipes, openOutputPipes, type ServiceProcess, startProcess } from './start-process.ts'

/** One start of a service. */
interface Generation {
  readonly number: number
  readonly abort: AbortController
  pipes?: OutputPipes
  process?: ServiceProcess
  env?: Record<string, string>
  isAwaited?: boolean
}

export interface ServiceGroup {
  readonly name: string
  readonly group: number
}

export interface ProcessOptions {
  /** What every service gets. */
  readonly environment: NodeJS.ProcessEnv
  readonly reporter: ServiceReporter
  readonly isColoured?: boolean
  /** The log in which the guardian keeps a service's last output when ops is dead. */
  readonly logFileOf?: (name: string) => string
  /** Called when the process groups, or the guardian, have changed. */
  readonly onGroupsChange?: (groups: readonly ServiceGroup[], guardian: number | undefined) => void
}

/** The processes of services: performs actions on them, and dispatches what happens to them. */
export class ServiceProcesses {
  readonly #services: ReadonlyMap<string, PlannedService>
  readonly #options: ProcessOptions
  readonly #dispatch: (event: SessionEvent) => void
  readonly #guardian: GuardianClient
  readonly #latest = new Map<string, Generation>()
  readonly #eventLines: ReadonlyMap<string, EventLines>
  readonly #sessionId = randomUUID()

  constructor(planned: readonly PlannedService[], options: ProcessOptions, dispatch: (event: SessionEvent) => void) {
    this.#services = new Map(planned.map((service) => [service.name, service]))
    this.#options = options
    this.#dispatch = dispatch
    this.#guardian = new GuardianClient(planned)
    this.#eventLines = new Map(
      planned
        .filter((service) => service.writesEvents)
        .map(({ name }) => [name, new EventLines({ isColoured: options.isColoured ?? false })]),
    )
    process.once('exit', this.#onExit)
  }

  /** The process group of its latest start, while it has one. */
  groupOf(name: string): number | undefined {
    return this.#latest.get(name)?.process?.group
  }

  /** The running task of a service that writes events. */
  taskOf(name: string): EventLines['task'] {
    return this.#eventLines.get(name)?.task
  }

  perform(action: Exclude<SessionAction, { do: 'report' }>): void {
    const { name } = action
    const latest = this.#latest.get(name)
    switch (action.do) {
      case 'launch': {
        const generation = { number: action.generation, abort: new AbortController() }
        this.#latest.set(name, generation)
        void this.#launch(name, generation)
        break
      }
      case 'abort':
        latest?.abort.abort()
        break
      case 'probe':
        void this.#probe(name, latest!)
        break
      case 'signal':
        if (latest?.process && !isGroupEmpty(latest.process.group)) {
          signalGroup(latest.process.group, action.signal)
          this.#guardian.signaled(latest.process.group)
        }
        break
      case 'await_empty_group':
        void this.#awaitEmptyGroup(name, latest)
    }
  }

  /** Called when nothing is left. */
  close(): void {
    this.#guardian.dismiss()
    process.off('exit', this.#onExit)
  }

  /** A bug can end ops without a stop. */
  readonly #onExit = () => this.#guardian.signalIfAlone()

  async #launch(name: string, generation: Generation): Promise<void> {
    const about = { name, generation: generation.number }
    const service = this.#services.get(name)!
    const { signal } = generation.abort
    try {
      const env = await serviceEnvironment(service, this.#options.environment)
      if (service.port !== undefined) {
        await waitForPort(service.name, service.port, { isRestart: generation.number > 1, signal })
      }
      if (signal.aborted) return this.#dispatch({ ...about, kind: 'launch_failed' })

      const mark = `${this.#sessionId}:${name}:${generation.number}`
      generation.env = { ...env, OPS_SERVICE: name, OPS_SERVICE_START: mark }
      const pipes = await openOutputPipes()
      generation.pipes = pipes
      const output = { directory: pipes.directory, log: this.#options.logFileOf?.(name) }
      this.#guardian.expect(name, `OPS_SERVICE_START=${mark}`, output)
      const process = await startProcess(service, generation.env, pipes)
      this.#guardian.guard(name, `OPS_SERVICE_START=${mark}`, output, process.group)
      generation.process = process
      process.output.on('lines', (text, stream) => {
        const events = this.#eventLines.get(name)
        this.#options.reporter.output(name, events === undefined ? text : events.read(text), stream)
      })
      this.#groupsChanged()
      this.#dispatch({ ...about, kind: 'launched' })
      this.#dispatch({ ...about, kind: 'exited', exit: await process.exit })
    } catch (error) {
      generation.pipes?.remove()
      this.#dispatch({ ...about, kind: 'launch_failed', error: error as Error })
    }
  }

  async #probe(name: string, { number, abort, process, env }: Generation): Promise<void> {
    const { probe, cwd } = this.#services.get(name)!
    if (await isReady(probe!, { output: process!.output, cwd, env: env!, signal: abort.signal })) {
      this.#dispatch({ name, generation: number, kind: 'probe_succeeded' })
    }
  }

  async #awaitEmptyGroup(name: string, generation: Generation | undefined): Promise<void> {
    if (generation?.process === undefined || generation.isAwaited) return
    generation.isAwaited = true
    const { process, number } = generation
    await isGroupEmptyWithin(process.group, Number.POSITIVE_INFINITY)
    // Its last output comes first.
    await process.exit
    this.#guardian.release(process.group)
    generation.pipes?.remove()
    delete generation.process
    this.#groupsChanged()
    this.#dispatch({ name, generation: number, kind: 'group_emptied' })
  }

  #groupsChanged(): void {
    const groups = [...this.#latest].flatMap(([name, { process }]) =>
      process === undefined ? [] : [{ name, group: process.group }],
    )
    this.#options.onGroupsChange?.(groups, this.#guardian.pid)
  }
}
