import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'

export default class StartServices extends OpsCommand {
  static override summary = 'Start the services and the worker for development.'

  static override description =
    `Migrates the database, then starts the services of the configuration in the order of their dependencies, and the
worker as a service named "worker". Ctrl-C stops them, dependents first; a second Ctrl-C kills them.

Their output is also kept in .ops/logs/services. From another terminal: ops status, ops logs, ops restart,
ops stop-services.`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> api worker',
    '<%= config.bin %> <%= command.id %> --config examples/shop/ops.config.ts',
  ]

  static override enableJsonFlag = false
  static override strict = false

  static override args = {
    service: Args.string({ description: 'service to start, with its dependencies [default: all]' }),
  }

  static override flags = {
    json: Flags.boolean({ summary: 'print output and events as JSON lines', helpGroup: 'GLOBAL' }),
    timestamps: Flags.boolean({ char: 't', summary: 'prefix each line with the time', exclusive: ['json'] }),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(StartServices)
    const [{ join }, { problemLine }, { startServices }, { openServicesReporter }] = await Promise.all([
      import('node:path'),
      import('../errors.ts'),
      import('../development/start-services.ts'),
      import('../output/services-reporter.ts'),
    ])
    const project = await this.openProject(flags.config)
    const status = await startServices(project, {
      names: argv as string[],
      workerCommand: [process.execPath, join(this.config.root, 'bin', 'run.js'), 'worker'],
      env: process.env,
      openReporter: (names) =>
        openServicesReporter(names, {
          out: process.stdout,
          env: process.env,
          isJson: flags.json,
          isTimed: flags.timestamps,
        }),
      onProblem: (problem) => {
        // Notes are for people.
        if (flags.json && problem.severity === 'info') return
        // An error of one plugin stops nothing.
        const severity = problem.severity === 'error' ? 'warning' : problem.severity
        this.printProblem({ ...problem, severity, message: problemLine(problem) })
      },
    })
    if (status !== 0) this.exit(status)
  }
}
