import type { Service } from '../config/config.ts'

/** Services imported from the file of another tool. */
export interface ImportedServices {
  readonly services: Readonly<Record<string, Service>>
  /** What was changed or left out, and why. */
  readonly notes: readonly string[]
}

/** The folder that a file is imported from. */
export interface SourceFolder {
  readonly has: (file: string) => boolean
  /** The variables in `.env`; undefined if there is none. */
  readonly env: Readonly<Record<string, string>> | undefined
}

/** Collects imported services under valid names. */
export class ServiceDraft {
  readonly #services = new Map<string, Service>()
  readonly #notes: string[] = []

  /** @returns its name, which may be another */
  add(name: string, service: Service): string {
    const valid = this.#validName(name)
    if (valid !== name) this.note(`renamed "${name}" to "${valid}"${whyRenamed(name)}`)
    this.#services.set(valid, withoutEmpty(service))
    return valid
  }

  /** @param name one that `add` has returned */
  change(name: string, service: Service): void {
    this.#services.set(name, withoutEmpty(service))
  }

  note(text: string): void {
    this.#notes.push(text)
  }

  finish(): ImportedServices {
    return { services: Object.fromEntries(this.#services), notes: this.#notes }
  }

  #validName(name: string): string {
    const plain = name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^[^a-z]+|-+$/g, '')
    const base = reservedNames.has(plain) || plain === '' ? `app${plain && `-${plain}`}` : plain
    for (let count = 1; ; count += 1) {
      const candidate = count === 1 ? base : `${base}-${count}`
      if (!this.#services.has(candidate)) return candidate
    }
  }
}

const reservedNames = new Set(['worker', 'migrate', 'ops'])

function whyRenamed(name: string): string {
  if (name === 'worker') return ': ops runs its own worker under this name'
  return reservedNames.has(name) ? ': the name is reserved' : ''
}

function withoutEmpty(service: Service): Service {
  const isEmpty = (value: unknown) =>
    value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
  return Object.fromEntries(Object.entries(service).filter(([, value]) => !isEmpty(value))) as unknown as Service
}
