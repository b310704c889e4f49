import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'
import { serviceDefaults } from '../config/service-defaults.ts'

export default class WaitReady extends OpsCommand {
  static override summary = 'Wait until a service is ready.'

  static override hidden = true

  static override examples = [
    '<%= config.bin %> <%= command.id %> --http http://localhost:3000/health',
    '<%= config.bin %> <%= command.id %> --port 5432 --timeout 1m',
    '<%= config.bin %> <%= command.id %> -- pg_isready --quiet',
  ]

  static override strict = false

  static override args = {
    command: Args.string({ description: 'command that exits with 0 when the service is ready' }),
  }

  static override flags = {
    http: Flags.string({ summary: 'URL that responds with a status below 400', helpValue: '<url>' }),
    port: Flags.integer({ summary: 'port that accepts connections', helpValue: '<port>', min: 1, max: 65_535 }),
    log: Flags.string({ summary: "pattern matching a line of the unit's journal", helpValue: '<pattern>' }),
    timeout: Flags.string({
      summary: 'how long to wait',
      helpValue: '<duration>',
      default: serviceDefaults.readyTimeout,
    }),
  }

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(WaitReady)
    const { parseProbe, waitReady } = await import('../server/wait-ready.ts')
    const probe = parseProbe(flags, argv as string[])
    const { isReady, message } = await waitReady(probe, { env: process.env, cwd: process.cwd() })
    if (isReady) this.log(message)
    else {
      this.printProblem({ code: 'NOT_READY', severity: 'error', message: `${message}.`, suggestions: [] })
      process.exitCode = 1
    }
    return { ready: isReady, message }
  }
}
