import type { Allow } from '../config/config.ts'
import type { PlannedService } from '../development/planned-service.ts'
import type { Places, Scope } from '../systemd/places.ts'

/** Everything that the units of a project are rendered from. */
export interface ServerSetup {
  /** The project's name. */
  readonly project: string
  /** The version of ops. */
  readonly version: string
  readonly scope: Scope
  /** The project's folder by its stable name, such as `current`. */
  readonly directory: string
  /** Absolute paths on the server. */
  readonly node: string
  readonly ops: string
  /** Paths in homes that units have to see. */
  readonly homePaths: readonly string[]
  /** Folders of the plugins that are not bundled; the user of the units has to read them. */
  readonly pluginRoots: readonly string[]
  /** The default user of units; undefined for user units. */
  readonly user: string | undefined
  readonly places: Places
  /** In dependency order. */
  readonly services: readonly ServerService[]
  readonly worker: {
    readonly instances: number
    /** All variables; the migration has them too. */
    readonly environment: Readonly<Record<string, string>>
    readonly allow: Allow
    readonly credentials: Readonly<Record<string, string>>
    /** A digest of what a worker reads when it starts; a worker with another one is outdated. */
    readonly settings: string
  }
}

/** One instance of a service on the server. */
export interface ServerService {
  /** As planned for development. */
  readonly planned: PlannedService
  /** The absolute path of the program, and its arguments. */
  readonly argv: readonly string[]
  /** A shell or a package manager runs the program and does not pass signals on. */
  readonly isWrapped: boolean
  readonly restart: 'always' | 'on-failure' | 'no'
  /** All variables, from files and from the configuration. */
  readonly environment: Readonly<Record<string, string>>
  readonly allow: Allow
  readonly credentials: Readonly<Record<string, string>>
}
