import { Command } from '@oclif/core/command'
import * as Flags from '@oclif/core/flags'
import { type Screen, screenOf } from '../output/screen.ts'
import type { Project } from '../project/open-project.ts'
import { outliveTerminal } from './outlive-terminal.ts'

outliveTerminal()

/** What every command of ops has in common. */
export abstract class OpsCommand extends Command {
  static override enableJsonFlag = true

  static override baseFlags = {
    config: Flags.string({
      summary: 'the configuration file; found upwards from here otherwise',
      helpValue: '<file>',
      helpGroup: 'GLOBAL',
    }),
  }

  #project: Project | undefined

  /**
   * The project that this command works on. It is closed when the command has ended. A plugin that cannot be used is
   * told, save by a command whose result says so itself.
   */
  protected async openProject(file: string | undefined, { isListing = false } = {}): Promise<Project> {
    const [{ openProject }, { findPlugins }, { formatProblem }] = await Promise.all([
      import('../project/open-project.ts'),
      import('../plugins/find-plugins.ts'),
      import('../output/format-problem.ts'),
    ])
    const location = { cwd: process.cwd(), file, env: process.env }
    this.#project = await openProject({ ...location, ...findPlugins(location) })
    if (!isListing) for (const { problem } of this.#project.registry.broken) this.warn(formatProblem(problem))
    return this.#project
  }

  /** Where this command prints. */
  protected get screen(): Screen {
    return screenOf(process.stdout, process.env)
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    await this.#project?.close()
    await super.finally(error)
  }
}
