import { readFileSync } from 'node:fs'
import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../../command-line/ops-command.ts'

export default class EnvCheck extends OpsCommand {
  static override summary = 'Say which variables a server would not have, or others would read differently.'

  static override description =
    `Looks at env and envFile of the services and the worker: files that are missing, lines that systemd or Node read
otherwise than ops (development and the units go by what ops reads), variables that the configuration takes from the
shell. Values are never shown.

With the names that the server has, it says what is here and lacking there:
  ssh server 'cd /srv/shop/current && ops env check --names' | ops env check --server -`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --names',
    '<%= config.bin %> <%= command.id %> --server names.txt',
  ]

  static override flags = {
    names: Flags.boolean({ summary: 'print the names of the variables, a service a line, and check nothing' }),
    server: Flags.string({
      summary: 'the names on the server, as --names prints them there; - for standard input',
      helpValue: '<file>',
      exclusive: ['names'],
    }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(EnvCheck)
    const [{ checkEnvironment, missingIn }, { environmentSheet, namesSheet, parseNames }] = await Promise.all([
      import('../../doctor/check-environment.ts'),
      import('../../output/environment-sheet.ts'),
    ])
    const project = await this.openProject(flags.config)
    const check = checkEnvironment(project, process.env)
    if (flags.names) {
      this.log(namesSheet(check.variables))
      return { variables: check.variables }
    }
    const there = flags.server === undefined ? undefined : readFileSync(flags.server === '-' ? 0 : flags.server, 'utf8')
    const lacking = there === undefined ? [] : missingIn(parseNames(there), check.variables)
    const lines = [
      ...environmentSheet(check),
      ...lacking.map(({ service, name }) => `${service}: ${name} is here and lacking on the server`),
    ]
    this.log(lines.length === 0 ? 'Everybody reads these variables alike.' : lines.join('\n'))
    if (lines.length > 0) process.exitCode = 1
    return { ...check, lacking }
  }
}
