import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../../command-line/ops-command.ts'

export default class GenerateMigration extends OpsCommand {
  static override summary = 'Write the next migration of a plugin.'

  static override description = `Compares the task tables of the plugin, as its TypeScript declares them, with
what its last migration left, and writes the SQL that is between them, for
SQLite and for PostgreSQL. The plugin brings drizzle-kit, which does it.
Where nothing has changed, nothing is written.`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> add_labels',
    '<%= config.bin %> <%= command.id %> add_labels --dir plugins/email',
  ]

  static override args = {
    name: Args.string({ description: 'what changes, for the names of the files; the table where it is not given' }),
  }

  static override flags = {
    dir: Flags.string({ summary: 'the folder of the plugin', default: '.', helpValue: '<folder>' }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(GenerateMigration)
    const { generateMigration } = await import('../../scaffold/generate-migration.ts')
    const generated = await generateMigration(flags.dir, args.name)
    const { plugin, migrations, unfilled, isDeclared } = generated
    const written = migrations.filter(({ file }) => file !== null)
    for (const { database, file } of migrations)
      if (written.length > 0) this.log(file === null ? `${database}: nothing has changed` : `wrote ${file}`)
    if (written.length === 0) this.log(`Nothing has changed in the tables of ${plugin} since its last migration.`)
    else this.log('Next: read them, then ops migrate')
    for (const column of unfilled)
      this.warn(
        `"${column}" may not be null and has no default: a table that has rows refuses it. Give it a default, or let it be null.`,
      )
    if (!isDeclared && written.length > 0)
      this.warn('The package.json of the plugin does not name them; add "migrations": "./migrations" under "ops".')
    return generated
  }
}
