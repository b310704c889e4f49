import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../../command-line/ops-command.ts'
import { exitStatus, OpsError } from '../../errors.ts'

export default class GenerateProcessor extends OpsCommand {
  static override summary = 'Create a plugin with one processor.'

  static override description = `Creates ops-plugin-<name>: a typed task table, its processor, migrations for
SQLite and PostgreSQL, a passing test, and a package.json that is ready to pack.

A column is name:type, or name:type! if it is required, such as recipient:text!
Types are text, integer, real, boolean, json, timestamp and enumeration, which
is followed by its values: size:enumeration:small,large

In a terminal it asks for what is missing; otherwise, and with --yes, it uses
the defaults. Existing files are overwritten only with --force.`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> email --column recipient:text! subject:text --yes',
    '<%= config.bin %> <%= command.id %> resize --column picture:text! --table pictures --exclusive-by picture --priority 50',
    '<%= config.bin %> <%= command.id %> email --dir plugins --force',
  ]

  /** Several columns may follow one flag. */
  static override strict = false

  static override args = {
    name: Args.string({ description: 'name of the processor, such as email; columns may follow' }),
  }

  static override flags = {
    table: Flags.string({ summary: 'task table [default: the plural of the name]', helpValue: '<name>' }),
    column: Flags.string({
      summary: 'column of the table; repeatable [default: subject:text!]',
      helpValue: '<name:type>',
      multiple: true,
      multipleNonGreedy: true,
    }),
    priority: Flags.integer({ summary: 'priority, the smallest number first [default: 100]', helpValue: '<number>' }),
    'exclusive-by': Flags.string({
      summary: 'run one task at a time for each value of this column',
      helpValue: '<column>',
    }),
    dir: Flags.string({ summary: "parent of the plugin's folder", default: '.', helpValue: '<folder>' }),
    yes: Flags.boolean({ char: 'y', summary: 'do not ask; use the defaults' }),
    force: Flags.boolean({ char: 'f', summary: 'overwrite existing files' }),
  }

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(GenerateProcessor)
    const { name, columns } = splitWords(argv as string[], flags.column)
    const given = { name, columns, table: flags.table, priority: flags.priority, exclusiveBy: flags['exclusive-by'] }
    const { generateProcessor } = await import('../../scaffold/generate-processor.ts')
    const canAsk = !flags.yes && !this.jsonEnabled() && process.stdin.isTTY && process.stdout.isTTY
    if (!canAsk && name === undefined)
      throw new OpsError('PROCESSOR_UNNAMED', 'Missing the name of the processor.', {
        exit: exitStatus.usage,
        suggestions: ['name it: ops generate processor email'],
      })
    const project = await this.openProject(flags.config)
    const options = { folder: flags.dir, cwd: process.cwd(), force: flags.force }
    const spec = canAsk
      ? await (await import('../../command-line/ask-processor.ts')).askProcessor(project, given, options)
      : { ...given, name: name! }
    if (!spec) {
      this.log('Canceled. Nothing was written.')
      this.exit(1)
    }
    const generated = await generateProcessor(project, spec, options)
    this.log(
      `Created ${generated.package} in ${generated.directory}: processor ${generated.name}, table ${generated.table}`,
    )
    for (const file of generated.files) this.log(`  ${file}`)
    for (const [index, command] of generated.next.entries()) this.log(`${index === 0 ? 'Next:' : '     '} ${command}`)
    return generated
  }
}

/** Words with a colon are columns, which may follow one `--column`; the other is the name. */
function splitWords(words: readonly string[], columns: readonly string[] = []) {
  const [name, second] = words.filter((word) => !word.includes(':'))
  if (second !== undefined)
    throw new OpsError('SECOND_NAME', `Unexpected argument "${second}" after the name "${name}".`, {
      exit: exitStatus.usage,
      suggestions: [`for a column, add a type: ${second}:text`],
    })
  return { name, columns: [...columns, ...words.filter((word) => word.includes(':'))] }
}
