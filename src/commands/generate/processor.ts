import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../../command-line/ops-command.ts'

export default class GenerateProcessor extends OpsCommand {
  static override summary = 'Begin a plugin with a processor of your own.'

  static override description = `Writes ops-plugin-<name>: a typed task table, its processor, the migrations
for SQLite and PostgreSQL, a test that passes, and a package.json that packs.

A column is name:type, with ! behind it where a task must have it, such as
recipient:text! Types are text, integer, real, boolean, json, timestamp and
enumeration, whose values follow: size:enumeration:small,large

In a terminal it asks for what is not given; elsewhere, and with --yes, it
takes the defaults. What is there already is written over with --force only.`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> email --column recipient:text! subject:text --yes',
    '<%= config.bin %> <%= command.id %> resize --column picture:text! --table pictures --exclusive-by picture --priority 50',
    '<%= config.bin %> <%= command.id %> email --dir plugins --force',
  ]

  /** Columns may follow each other behind one flag. */
  static override strict = false

  static override args = {
    name: Args.string({ description: 'the name of the processor, such as email; columns may follow it' }),
  }

  static override flags = {
    table: Flags.string({ summary: 'its task table [default: the plural of the name]', helpValue: '<name>' }),
    column: Flags.string({
      summary: 'a column of the table; several are possible [default: subject:text!]',
      helpValue: '<name:type>',
      multiple: true,
      multipleNonGreedy: true,
    }),
    priority: Flags.integer({ summary: 'of its tasks, the smallest first [default: 100]', helpValue: '<number>' }),
    'exclusive-by': Flags.string({
      summary: 'a column: one task at a time for each of its values',
      helpValue: '<column>',
    }),
    dir: Flags.string({ summary: 'where the folder of the plugin is made', default: '.', helpValue: '<folder>' }),
    yes: Flags.boolean({ char: 'y', summary: 'ask nothing' }),
    force: Flags.boolean({ char: 'f', summary: 'write over what is there already' }),
  }

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(GenerateProcessor)
    const { splitProcessorArguments } = await import('../../command-line/split-processor-arguments.ts')
    const { name, columns } = splitProcessorArguments(argv as string[], flags.column)
    const typed = { name, columns, table: flags.table, priority: flags.priority, exclusiveBy: flags['exclusive-by'] }
    const { generateProcessor } = await import('../../scaffold/generate-processor.ts')
    const { ProcessorUnnamedError } = await import('../../scaffold/scaffold-errors.ts')
    const canAsk = !flags.yes && !this.jsonEnabled() && process.stdin.isTTY && process.stdout.isTTY
    if (!canAsk && name === undefined) throw new ProcessorUnnamedError()
    const project = await this.openProject(flags.config)
    const options = { folder: flags.dir, cwd: process.cwd(), force: flags.force }
    const wish = canAsk
      ? await (await import('../../command-line/ask-processor.ts')).askProcessor(project, typed, options)
      : { ...typed, name: name! }
    if (!wish) {
      this.log('Nothing was written.')
      this.exit(1)
    }
    const generated = await generateProcessor(project, wish, options)
    this.log(`${generated.package} is in ${generated.directory}: processor ${generated.name}, table ${generated.table}`)
    for (const file of generated.files) this.log(`  ${file}`)
    for (const [index, command] of generated.next.entries()) this.log(`${index === 0 ? 'Next:' : '     '} ${command}`)
    return generated
  }
}
