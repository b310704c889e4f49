import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'

export default class StartServices extends OpsCommand {
  static override summary = "Run the application's services and the worker, for development."

  static override description =
    `Brings the database up to date, starts the services of the configuration in the order of their dependencies, and
the worker as one more, named "worker". Ctrl-C stops all of them, each in its own time; a second one does not wait.

What they write is kept in .ops/logs/services too. From another terminal: ops status, ops logs, ops restart, ops
stop-services.`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> api worker',
    '<%= config.bin %> <%= command.id %> --config examples/shop/ops.config.ts',
  ]

  static override enableJsonFlag = false
  static override strict = false

  static override args = {
    service: Args.string({ description: 'a service to start, with all that it depends on; all by default' }),
  }

  static override flags = {
    json: Flags.boolean({ summary: 'write what services say and do as lines of JSON', helpGroup: 'GLOBAL' }),
    timestamps: Flags.boolean({ char: 't', summary: 'begin each line with the time', exclusive: ['json'] }),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(StartServices)
    const [{ join }, { startServices }, { openServicesReport }] = await Promise.all([
      import('node:path'),
      import('../development/start-services.ts'),
      import('../output/open-services-report.ts'),
    ])
    const project = await this.openProject(flags.config)
    const status = await startServices(project, {
      names: argv as string[],
      workerCommand: [process.execPath, join(this.config.root, 'bin', 'run.js'), 'worker'],
      env: process.env,
      openReport: (names) =>
        openServicesReport(names, {
          out: process.stdout,
          env: process.env,
          isJson: flags.json,
          isTimed: flags.timestamps,
        }),
      warn: (text) => this.warn(text),
    })
    if (status !== 0) this.exit(status)
  }
}
