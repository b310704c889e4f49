import type { Allow } from '../config/config.ts'
import type { PlannedService } from '../development/planned-service.ts'
import type { Places, Scope } from '../systemd/places.ts'

/** Everything that the units of a project are made from; nothing of it is looked up while they are rendered. */
export interface ServerSetup {
  /** The project's name. */
  readonly project: string
  /** The version of ops. */
  readonly version: string
  readonly scope: Scope
  /** The project, as it is to be named: through `current`, where somebody came that way. */
  readonly directory: string
  /** Absolute paths, which hold for the server. */
  readonly node: string
  readonly ops: string
  /** What is to be seen of /home and /root, where the project or ops is there. */
  readonly homePaths: readonly string[]
  /** Of the plugins that do not come with ops: the user of the units has to read them. */
  readonly pluginRoots: readonly string[]
  /** The user of units that name none; undefined for user units. */
  readonly user: string | undefined
  readonly places: Places
  /** In the order of their dependencies. */
  readonly services: readonly ServerService[]
  readonly worker: {
    readonly instances: number
    /** All its variables; the migration has them too. */
    readonly environment: Readonly<Record<string, string>>
    readonly allow: Allow
    readonly credentials: Readonly<Record<string, string>>
    /** Stands for what a worker reads when it starts: a worker with another one is out of date. */
    readonly settings: string
  }
}

/** One instance of a service on the server. */
export interface ServerService {
  /** As planned for development too, without what is only done there. */
  readonly planned: PlannedService
  /** The program by its absolute path, and its arguments. */
  readonly argv: readonly string[]
  /** Something stands in front of the program that does not pass signals on: a shell, npm. */
  readonly isWrapped: boolean
  /** What systemd does when it ends. */
  readonly restart: 'always' | 'on-failure' | 'no'
  /** All its variables, from its files and its own. */
  readonly environment: Readonly<Record<string, string>>
  readonly allow: Allow
  readonly credentials: Readonly<Record<string, string>>
}
