import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../../command-line/ops-command.ts'

export default class GenerateMigration extends OpsCommand {
  static override summary = 'Generate the next migration of a plugin.'

  static override description = `Compares the task tables that the plugin declares in TypeScript with its last
migration, and writes the SQL for SQLite and for PostgreSQL. The plugin needs
drizzle-kit. If nothing has changed, nothing is written.`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> add_labels',
    '<%= config.bin %> <%= command.id %> add_labels --dir plugins/email',
  ]

  static override args = {
    name: Args.string({ description: 'what changes, for the file names [default: the table]' }),
  }

  static override flags = {
    dir: Flags.string({ summary: 'folder of the plugin', default: '.', helpValue: '<folder>' }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(GenerateMigration)
    const { generateMigration } = await import('../../scaffold/generate-migration.ts')
    const generated = await generateMigration(flags.dir, args.name)
    const { plugin, migrations, columnsWithoutValue, isDeclared } = generated
    if (migrations.every(({ file }) => file === null)) {
      this.log(`No changes in the tables of ${plugin} since its last migration.`)
      return generated
    }
    for (const { database, file } of migrations) this.log(file === null ? `${database}: no changes` : `created ${file}`)
    this.log('Next: review them, then ops migrate')
    for (const column of columnsWithoutValue)
      this.warn(
        `"${column}" is not null and has no default, so the migration fails on a table with rows. Add a default, or allow null.`,
      )
    if (!isDeclared)
      this.warn('package.json does not name the migrations. Add "migrations": "./migrations" under "ops".')
    return generated
  }
}
