import { randomUUID } from 'node:crypto'
import { isGroupEmpty, isGroupEmptyWithin, signalGroup } from '../platform/process-group.ts'
import { EventLines } from './event-lines.ts'
import type { FleetAction, FleetEvent } from './fleet.ts'
import { Guarded } from './guarded.ts'
import { makeOutputPipes, type OutputPipes } from './output-pipes.ts'
import type { PlannedService } from './planned-service.ts'
import { waitForPort } from './port.ts'
import { isReady } from './readiness.ts'
import { serviceEnvironment } from './service-environment.ts'
import type { ServiceReport } from './service-report.ts'
import { type ServiceProcess, startProcess } from './start-process.ts'

interface Incarnation {
  readonly number: number
  readonly abort: AbortController
  pipes?: OutputPipes
  process?: ServiceProcess
  env?: Record<string, string>
  isAwaited?: boolean
}

export interface Habitat {
  /** What every service gets. */
  readonly environment: NodeJS.ProcessEnv
  readonly report: ServiceReport
  /** Whether colours are wanted. */
  readonly isColoured?: boolean
  /** Where the guardian keeps the last words of a service when ops is dead. */
  readonly logOf?: (name: string) => string
  /** Told of each change of the process groups that there are. */
  readonly record?: (groups: readonly { name: string; group: number }[], guardian: number | undefined) => void
}

/** The processes of services: makes, asks, signals and awaits them, and tells what has happened to them. */
export class Incarnations {
  readonly #services: ReadonlyMap<string, PlannedService>
  readonly #habitat: Habitat
  readonly #tell: (event: FleetEvent) => void
  readonly #guarded: Guarded
  readonly #latest = new Map<string, Incarnation>()
  readonly #events: ReadonlyMap<string, EventLines>
  readonly #run = randomUUID()

  constructor(planned: readonly PlannedService[], habitat: Habitat, tell: (event: FleetEvent) => void) {
    this.#services = new Map(planned.map((service) => [service.name, service]))
    this.#habitat = habitat
    this.#tell = tell
    this.#guarded = new Guarded(planned)
    this.#events = new Map(
      planned
        .filter((one) => one.writesEvents)
        .map(({ name }) => [name, new EventLines({ isColoured: habitat.isColoured ?? false })]),
    )
    process.once('exit', this.#signalIfAlone)
  }

  /** The group of its latest incarnation, while there is one. */
  groupOf(name: string): number | undefined {
    return this.#latest.get(name)?.process?.group
  }

  /** What a service has begun and not ended, where it tells. */
  taskOf(name: string): EventLines['task'] {
    return this.#events.get(name)?.task
  }

  act(action: Exclude<FleetAction, { do: 'tell' }>): void {
    const { name } = action
    const seen = this.#latest.get(name)
    switch (action.do) {
      case 'launch': {
        const launched = { number: action.incarnation, abort: new AbortController() }
        this.#latest.set(name, launched)
        void this.#launch(name, launched)
        break
      }
      case 'abort':
        seen?.abort.abort()
        break
      case 'probe':
        void this.#probe(name, seen!)
        break
      case 'signal':
        if (seen?.process && !isGroupEmpty(seen.process.group)) {
          signalGroup(seen.process.group, action.signal)
          this.#guarded.asked(seen.process.group)
        }
        break
      case 'await end':
        void this.#awaitEnd(name, seen)
    }
  }

  /** Nothing is left. */
  close(): void {
    this.#guarded.dismiss()
    process.off('exit', this.#signalIfAlone)
  }

  /** A bug can end ops without a stop; then this is the last that it does. */
  readonly #signalIfAlone = () => this.#guarded.signalIfAlone()

  async #launch(name: string, incarnation: Incarnation): Promise<void> {
    const event = { name, incarnation: incarnation.number }
    const service = this.#services.get(name)!
    const { signal } = incarnation.abort
    try {
      const env = await serviceEnvironment(service, this.#habitat.environment)
      if (service.port !== undefined) await waitForPort(service.name, service.port, incarnation.number > 1, signal)
      if (signal.aborted) return this.#tell({ ...event, kind: 'not launched' })

      const mark = `${this.#run}:${name}:${incarnation.number}`
      incarnation.env = { ...env, OPS_SERVICE: name, OPS_SERVICE_START: mark }
      const pipes = await makeOutputPipes()
      incarnation.pipes = pipes
      const output = { directory: pipes.directory, log: this.#habitat.logOf?.(name) }
      this.#guarded.expect(name, `OPS_SERVICE_START=${mark}`, output)
      const process = await startProcess(service, incarnation.env, pipes)
      this.#guarded.guard(name, `OPS_SERVICE_START=${mark}`, output, process.group)
      incarnation.process = process
      process.output.on('lines', (text, stream) => {
        const events = this.#events.get(name)
        this.#habitat.report.output(name, events === undefined ? text : events.read(text), stream)
      })
      this.#record()
      this.#tell({ ...event, kind: 'launched' })
      this.#tell({ ...event, kind: 'exited', exit: await process.exit })
    } catch (error) {
      incarnation.pipes?.remove()
      this.#tell({ ...event, kind: 'not launched', error })
    }
  }

  async #probe(name: string, { number, abort, process, env }: Incarnation): Promise<void> {
    const { probe, cwd } = this.#services.get(name)!
    if (await isReady(probe!, { output: process!.output, cwd, env: env!, signal: abort.signal })) {
      this.#tell({ name, incarnation: number, kind: 'answered' })
    }
  }

  async #awaitEnd(name: string, incarnation: Incarnation | undefined): Promise<void> {
    if (incarnation?.process === undefined || incarnation.isAwaited) return
    incarnation.isAwaited = true
    const { process, number } = incarnation
    await isGroupEmptyWithin(process.group, Number.POSITIVE_INFINITY)
    // What it wrote last comes first.
    await process.exit
    this.#guarded.release(process.group)
    incarnation.pipes?.remove()
    delete incarnation.process
    this.#record()
    this.#tell({ name, incarnation: number, kind: 'emptied' })
  }

  #record(): void {
    const groups = [...this.#latest].flatMap(([name, { process }]) =>
      process === undefined ? [] : [{ name, group: process.group }],
    )
    this.#habitat.record?.(groups, this.#guarded.pid)
  }
}
