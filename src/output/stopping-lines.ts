import type { StillStopping } from '../development/service-reporter.ts'
import { formatDuration, oneLine } from '../format.ts'

const MOST_PROCESSES = 4

/** Called twice a second with the services that are still stopping; prints when they change, and every ten seconds. */
export class StoppingLines {
  readonly #print: (line: string) => void
  readonly #hint: string
  #quietCalls: number
  #printed = ''
  #calls = 0

  /** @param options `hint`: how not to wait; `quietCalls`: how many calls print nothing, since most stops are quick */
  constructor(print: (line: string) => void, { hint, quietCalls = 0 }: { hint: string; quietCalls?: number }) {
    this.#print = print
    this.#hint = hint
    this.#quietCalls = quietCalls
  }

  show(services: readonly StillStopping[]): void {
    const names = services.map(({ name }) => name).join()
    this.#quietCalls -= 1
    if (names === '' || this.#quietCalls >= 0) return
    this.#calls += 1
    if (names === this.#printed && this.#calls % 20 !== 0) return
    this.#printed = names
    this.#calls = 0
    this.#print(oneLine(`${stoppingLine(services)}; ${this.#hint}`))
  }
}

/** `waiting for api (node 4711; killed in 8.0 s) · 2 more after it`. */
function stoppingLine(services: readonly StillStopping[]): string {
  const stopping = services.filter(({ killedInMs }) => killedInMs !== undefined)
  const rest = services.length - stopping.length
  const parts = stopping.map(formatStopping)
  if (rest > 0) parts.push(`${rest} more after ${stopping.length === 1 ? 'it' : 'them'}`)
  return `waiting for ${parts.join(' · ')}`
}

function formatStopping({ name, task, processes, killedInMs = 0 }: StillStopping): string {
  const shown = processes.slice(0, MOST_PROCESSES).map((process) => `${process.name} ${process.pid}`)
  if (processes.length > MOST_PROCESSES) shown.push(`${processes.length - MOST_PROCESSES} more`)
  const seconds = Math.max(1, Math.ceil(killedInMs / 1000))
  const details = [...(shown.length > 0 ? [shown.join(', ')] : []), `killed in ${formatDuration(seconds * 1000)}`]
  return `${name}${task === undefined ? '' : ` to finish ${task}`} (${details.join('; ')})`
}
