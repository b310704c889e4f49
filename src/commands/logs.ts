import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'
import { terminalJson } from '../format.ts'

export default class Logs extends OpsCommand {
  static override summary = 'Show the output of development services.'

  static override description =
    `Prints the kept output of all services, or of the named ones, by time; also of services that are not running. For the
output of a task, use ops tasks logs.`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> api --follow',
    '<%= config.bin %> <%= command.id %> api web --lines 20 --timestamps',
  ]

  static override strict = false

  static override args = {
    service: Args.string({ description: 'service, or one of its instances such as api.2 [default: all]' }),
  }

  static override flags = {
    follow: Flags.boolean({ char: 'f', summary: 'keep printing new lines until Ctrl-C' }),
    lines: Flags.integer({
      char: 'n',
      summary: 'last lines to show of each service',
      helpValue: '<n>',
      min: 0,
      default: 100,
      exclusive: ['all'],
    }),
    all: Flags.boolean({ summary: 'show all kept lines' }),
    timestamps: Flags.boolean({ char: 't', summary: 'prefix each line with the time' }),
  }

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(Logs)
    const [{ readServiceLogs, followServiceLogs }, { ServiceLines }] = await Promise.all([
      import('../development/read-service-logs.ts'),
      import('../output/service-lines.ts'),
    ])
    const project = await this.openProject(flags.config, { isListing: true })
    const options = { names: argv as string[], lines: flags.all ? undefined : flags.lines }
    const shown = new ServiceLines(this.screen, { isTimed: flags.timestamps })
    if (!flags.follow) {
      const lines = readServiceLogs(project, options)
      if (lines.length === 0) this.logToStderr('No output yet.')
      process.stdout.write(this.jsonEnabled() ? '' : shown.render(lines))
      return { lines }
    }
    for await (const lines of followServiceLogs(project, options)) {
      const text = this.jsonEnabled()
        ? lines.map((line) => `${terminalJson(JSON.stringify(line))}\n`).join('')
        : shown.render(lines)
      process.stdout.write(text)
    }
    return undefined
  }
}
