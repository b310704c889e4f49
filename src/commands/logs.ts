import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'

export default class Logs extends OpsCommand {
  static override summary = 'Print what services have written in development.'

  static override description =
    `Of all services, or of those that are named, in the order of time; also when they do not run any more. What a task
has written: ops tasks logs.`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> api --follow',
    '<%= config.bin %> <%= command.id %> api web --lines 20 --timestamps',
  ]

  static override strict = false

  static override args = {
    service: Args.string({ description: 'a service, or one instance of it such as api.2; all by default' }),
  }

  static override flags = {
    follow: Flags.boolean({ char: 'f', summary: 'go on with what comes, until Ctrl-C' }),
    lines: Flags.integer({
      char: 'n',
      summary: 'so many of the last lines of each service',
      helpValue: '<n>',
      min: 0,
      default: 100,
      exclusive: ['all'],
    }),
    all: Flags.boolean({ summary: 'every line that is kept' }),
    timestamps: Flags.boolean({ char: 't', summary: 'begin each line with the time' }),
  }

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(Logs)
    const [{ readServiceLogs, followServiceLogs }, { ServiceLines }] = await Promise.all([
      import('../development/read-service-logs.ts'),
      import('../output/service-lines.ts'),
    ])
    const project = await this.openProject(flags.config, { isListing: true })
    const wanted = { names: argv as string[], lines: flags.all ? undefined : flags.lines }
    const shown = new ServiceLines(this.screen, { isTimed: flags.timestamps })
    if (!flags.follow) {
      const lines = readServiceLogs(project, wanted)
      if (lines.length === 0) this.logToStderr('Nothing has been written yet.')
      process.stdout.write(this.jsonEnabled() ? '' : shown.render(lines))
      return { lines }
    }
    for await (const lines of followServiceLogs(project, wanted)) {
      const text = this.jsonEnabled() ? lines.map((line) => `${JSON.stringify(line)}\n`).join('') : shown.render(lines)
      process.stdout.write(text)
    }
    return undefined
  }
}
