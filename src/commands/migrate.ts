import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'
import type { Problem } from '../errors.ts'
import type { MigrationStep } from '../queue/queue.ts'

export default class Migrate extends OpsCommand {
  static override summary = 'Apply pending migrations.'

  static override description =
    `Applies the migrations of ops and of every plugin, then installs the guarantees of each task table: the
index by which tasks are claimed, the trigger that refuses illegal changes of status, the audit trail and the
exclusivity. All in one transaction. Running it again changes nothing.`

  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --check']

  static override flags = {
    check: Flags.boolean({ summary: 'change nothing; exit 1 if migrations are pending' }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Migrate)
    const [{ toProblem }, { migrateProject, missingTables }] = await Promise.all([
      import('../errors.ts'),
      import('../project/migrate-project.ts'),
    ])
    const project = await this.openProject(flags.config)
    const migration = await migrateProject(project, { check: flags.check })
    const { steps } = migration
    const errors = migration.errors.map((error) => toProblem(error))
    // The application may be about to create the missing tables, so they are no failure.
    const missing = await missingTables(project, (await project.processors()).ready)
    for (const problem of errors) this.printProblem(problem)
    for (const problem of missing.values()) this.warn(problem)
    for (const line of formatSteps(steps, flags.check)) this.log(line)
    if (steps.length === 0) this.log(formatNothingDue(project.queue.name, errors))
    if (errors.length > 0 || (flags.check && steps.length > 0)) process.exitCode = 1
    return { database: project.queue.name, changed: !flags.check && steps.length > 0, steps, errors }
  }
}

/** Without a step, problems are all that the exit status can mean. */
function formatNothingDue(database: string, errors: readonly Problem[]): string {
  if (errors.length === 0) return `${database} is up to date.`
  const names = errors.map(({ where, code }) => where ?? code)
  return `${database} has no pending migrations, but ${errors.length === 1 ? 'there is a problem' : 'there are problems'} with ${names.join(', ')}.`
}

/** One line for each migration, and one for all guarantees of a table. */
function formatSteps(steps: readonly MigrationStep[], isPending: boolean): string[] {
  const lines = steps.map(({ kind, source, name }) => {
    if (kind === 'create_database') return `create database ${name}`
    if (kind === 'migration') return `migration ${name} of ${source}`
    return isPending ? `guarantees on ${source}` : `guarantees installed on ${source}`
  })
  return [...new Set(lines)].map((line) => (isPending ? `pending: ${line}` : line))
}
