import type { Service } from '../config/config.ts'

/** Services as another tool has declared them. */
export interface Draft {
  readonly services: Readonly<Record<string, Service>>
  /** What was taken over otherwise, or not at all, and why. */
  readonly notes: readonly string[]
}

/** The files beside the one that is read, as far as it matters that they are there. */
export interface Surroundings {
  readonly has: (file: string) => boolean
  /** What `.env` says, where there is one. */
  readonly env: Readonly<Record<string, string>> | undefined
}

/** Collects services under names that they may have. */
export class DraftMaker {
  readonly #services = new Map<string, Service>()
  readonly #notes: string[] = []

  /** @returns the name that it has now */
  add(name: string, service: Service): string {
    const allowed = this.#allowed(name)
    if (allowed !== name) this.note(`"${name}" is named "${allowed}" here${whyRenamed(name)}`)
    this.#services.set(allowed, withoutEmpty(service))
    return allowed
  }

  /** @param name one that `add` has returned */
  change(name: string, service: Service): void {
    this.#services.set(name, withoutEmpty(service))
  }

  note(text: string): void {
    this.#notes.push(text)
  }

  finish(): Draft {
    return { services: Object.fromEntries(this.#services), notes: this.#notes }
  }

  #allowed(name: string): string {
    const plain = name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^[^a-z]+|-+$/g, '')
    const base = taken.has(plain) || plain === '' ? `app${plain && `-${plain}`}` : plain
    for (let count = 1; ; count += 1) {
      const candidate = count === 1 ? base : `${base}-${count}`
      if (!this.#services.has(candidate)) return candidate
    }
  }
}

const taken = new Set(['worker', 'migrate', 'ops'])

function whyRenamed(name: string): string {
  if (name === 'worker') return ': ops has a worker of its own, which runs beside it'
  return taken.has(name) ? ': ops has a use for the name itself' : ''
}

function withoutEmpty(service: Service): Service {
  const isEmpty = (value: unknown) =>
    value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
  return Object.fromEntries(Object.entries(service).filter(([, value]) => !isEmpty(value))) as unknown as Service
}
