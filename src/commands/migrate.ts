import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'

export default class Migrate extends OpsCommand {
  static override summary = 'Bring the database to what ops and the plugins need.'

  static override description =
    `Applies the migrations of ops and of every plugin, then installs the guarantees on each task table: the
index by which tasks are claimed, the trigger that refuses illegal changes of status, the audit trail and the
exclusivity. All of it in one transaction, and again without effect.`

  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --check']

  static override flags = {
    check: Flags.boolean({ summary: 'change nothing; exit 1 when something is due' }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Migrate)
    const [{ migrateProject }, { unmadeTables }] = await Promise.all([
      import('../project/migrate-project.ts'),
      import('../project/unmade-tables.ts'),
    ])
    const project = await this.openProject(flags.config)
    const { steps, errors } = await migrateProject(project, { check: flags.check })
    for (const error of errors) this.warn(error)
    // The application may be about to make them, so this is no failure.
    const unmade = await unmadeTables(project, (await project.processors()).ready)
    for (const error of unmade.values()) this.warn(error)
    for (const { kind, source, name, change } of steps) {
      this.log(
        `${flags.check ? 'due: ' : ''}${kind === 'guarantee' ? `${change} ${name} on ${source}` : `${kind.replaceAll('_', ' ')} ${name} of ${source}`}`,
      )
    }
    if (steps.length === 0) this.log(`${project.queue.name} is up to date.`)
    if (errors.length > 0 || (flags.check && steps.length > 0)) process.exitCode = 1
    return {
      database: project.queue.name,
      changed: !flags.check && steps.length > 0,
      steps,
      errors: errors.map(({ message }) => message),
    }
  }
}
