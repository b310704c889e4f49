import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../../command-line/ops-command.ts'

export default class EnvCheck extends OpsCommand {
  static override summary = 'Check for variables that are missing on a server or parsed differently there.'

  static override description =
    `Checks env and envFile of the services and the worker: missing files, lines that systemd or Node parse differently
from ops (which parses files for development and for units), and variables that the configuration reads from the shell.
Values are never shown.

With the names from the server, it lists the variables that are missing there:
  ssh server 'cd /srv/shop/current && ops env check --names' | ops env check --server -`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --names',
    '<%= config.bin %> <%= command.id %> --server names.txt',
  ]

  static override flags = {
    names: Flags.boolean({ summary: 'print the names of the variables, one service per line, and check nothing' }),
    server: Flags.string({
      summary: 'names from the server, as --names prints them there; - for standard input',
      helpValue: '<file>',
      exclusive: ['names'],
    }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(EnvCheck)
    const { checkEnvironment, formatVariableNames, missingOnServer, parseVariableNames } = await import(
      '../../doctor/check-environment.ts'
    )
    const project = await this.openProject(flags.config)
    const { variables, problems } = checkEnvironment(project, process.env)
    if (flags.names) {
      this.log(formatVariableNames(variables))
      return { variables }
    }
    if (flags.server !== undefined) {
      const { readInput } = await import('../../command-line/read-input.ts')
      const suggestion = 'write the file on the server: ops env check --names'
      const names = readInput(flags.server, '--server', suggestion)
      problems.push(...missingOnServer(parseVariableNames(names), variables))
    }
    const lines = problems.map(({ where, message, suggestions }) =>
      [`${where}: ${message}`, ...suggestions].join(' → '),
    )
    this.log(lines.length === 0 ? 'No differences found.' : lines.join('\n'))
    if (lines.length > 0) process.exitCode = 1
    return { variables, problems }
  }
}
