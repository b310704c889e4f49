import type { StillStopping } from '../development/service-report.ts'
import { formatDuration } from '../format.ts'
import { stoppingLine } from './stopping-line.ts'

export function restartedInWords({ name, tookMs }: { name: string; tookMs: number }): string {
  return `${name} has been started anew in ${formatDuration(tookMs)}.`
}

/** Told twice a second who is waited for, says so at once, when it changes, and else now and then. */
export class StopLines {
  readonly #say: (line: string) => void
  #told = ''
  #looks = 0

  constructor(say: (line: string) => void) {
    this.#say = say
  }

  show(services: readonly StillStopping[]): void {
    const names = services.map(({ name }) => name).join()
    if (names === '' || (names === this.#told && ++this.#looks % 20 !== 0)) return
    this.#told = names
    this.#looks = 0
    this.#say(stoppingLine(services, '--force does not wait'))
  }
}
