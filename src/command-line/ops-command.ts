import { Command } from '@oclif/core/command'
import * as Flags from '@oclif/core/flags'
import type { Problem } from '../errors.ts'
import { oneLine, terminalText } from '../format.ts'
import { loadWrapping, printProblem } from '../output/print-problem.ts'
import { type Screen, screenOf } from '../output/screen.ts'
import type { Project } from '../project/open-project.ts'
import { redactText } from '../redact.ts'
import type { CommandGroup } from './help.ts'
import { errorJson, jsonText } from './print-error.ts'

keepRunningWithoutTerminal()

/** What every command of ops has in common. */
export abstract class OpsCommand extends Command {
  static override enableJsonFlag = true

  /** Under which heading `ops --help` lists a command of a plugin. */
  static group: CommandGroup = 'Plugins'

  static override baseFlags = {
    config: Flags.string({
      summary: 'use this configuration file instead of the nearest ops.config.*',
      helpValue: '<file>',
      helpGroup: 'GLOBAL',
    }),
    json: Flags.boolean({ summary: 'print JSON', helpGroup: 'GLOBAL' }),
  }

  #project: Project | undefined

  protected override async init(): Promise<void> {
    await super.init()
    await loadWrapping()
  }

  /**
   * The project that this command works on. It is closed when the command has ended. A plugin that cannot be used is
   * told, save by a command whose result says so itself.
   */
  protected async openProject(file: string | undefined, { isListing = false } = {}): Promise<Project> {
    const [{ openProject }, { findPlugins }] = await Promise.all([
      import('../project/open-project.ts'),
      import('../plugins/find-plugins.ts'),
    ])
    const location = { cwd: process.cwd(), file, env: process.env }
    this.#project = await openProject({ ...location, ...findPlugins(location) })
    if (!isListing) for (const { problem } of this.#project.registry.broken) this.warn(problem)
    return this.#project
  }

  /** Where this command prints. */
  protected get screen(): Screen {
    return screenOf(process.stdout, process.env)
  }

  /** Prints a warning on standard error; with `--json` nothing. */
  override warn(input: string | Error | Pick<Problem, 'message' | 'suggestions'>): string | Error {
    const { message, suggestions = [] }: Partial<Problem> = typeof input === 'string' ? { message: input } : input
    this.printProblem({ code: 'WARNING', severity: 'warning', message: message!, suggestions })
    return typeof input === 'string' || input instanceof Error ? input : input.message
  }

  /** Prints a problem on standard error, where the command goes on; with `--json` nothing. */
  protected printProblem(problem: Problem): void {
    if (!this.jsonEnabled()) printProblem(problem)
  }

  protected override async catch(error: Error): Promise<void> {
    const { toUsageError } = await import('./usage-error.ts')
    await super.catch(toUsageError(error, `${this.config.bin} ${this.id?.replaceAll(':', ' ')}`))
  }

  /** Everything that commands print passes here or through a printer of `output`. */
  override log(message = ''): void {
    super.log('%s', terminalText(redactText(message)))
  }

  /** A sentence with texts of rows in it. */
  protected logLine(sentence: string): void {
    this.log(oneLine(sentence))
  }

  protected override logJson(json: unknown): void {
    if (json !== undefined) process.stdout.write(`${jsonText(json)}\n`)
  }

  protected override toErrorJson(error: Error): unknown {
    return errorJson(error)
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    await this.#project?.close()
    await super.finally(error)
  }
}

/**
 * Removes oclif's own listener for errors of standard output, which throws what it does not know: a worker whose window
 * is closed would die at the next line that it writes, in the middle of a task. The listener of bin/start.js stays.
 */
function keepRunningWithoutTerminal(): void {
  for (const listener of process.stdout.listeners('error')) {
    if (listener.name !== 'onOutputError') process.stdout.off('error', listener as () => void)
  }
}
