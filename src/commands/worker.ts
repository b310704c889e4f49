import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'
import { workerDefaults } from '../config/service-defaults.ts'

export default class Worker extends OpsCommand {
  static override summary = 'Run due tasks, one at a time.'

  static override description =
    `Polls the task tables by priority and runs due tasks. On SIGTERM, Ctrl-C or a closed terminal it finishes the running
task, then stops; a second signal, or the end of the grace period, interrupts the task.`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --only build,deploy',
    '<%= config.bin %> <%= command.id %> --drain',
  ]

  static override flags = {
    only: Flags.string({
      summary: 'processors whose tasks to run',
      helpValue: '<name,…>',
      multiple: true,
      delimiter: ',',
    }),
    drain: Flags.boolean({ summary: 'exit when no task is due' }),
    once: Flags.boolean({ summary: 'exit after one task' }),
    'poll-interval': Flags.string({
      summary: `poll at least this often [default: ${workerDefaults.pollInterval}]`,
      helpValue: '<duration>',
    }),
    grace: Flags.string({
      summary: `how long a stop waits for the running task [default: ${workerDefaults.gracePeriod}]`,
      helpValue: '<duration>',
    }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Worker)
    const [{ parseDuration }, { runWorker }] = await Promise.all([
      import('../config/duration.ts'),
      import('../project/run-worker.ts'),
    ])
    const project = await this.openProject(flags.config)
    const { worker = {} } = project.config
    return runWorker(project, {
      only: flags.only,
      drain: flags.drain,
      once: flags.once,
      pollInterval: parseDuration(
        flags['poll-interval'] ?? worker.pollInterval ?? workerDefaults.pollInterval,
        '--poll-interval',
      ),
      starvation: worker.starvation === undefined ? undefined : parseDuration(worker.starvation, 'worker.starvation'),
      grace: parseDuration(flags.grace ?? worker.gracePeriod ?? workerDefaults.gracePeriod, '--grace'),
      version: this.config.version,
      asJson:
        process.env.OPS_LOG_FORMAT === undefined
          ? process.stdout.isTTY !== true
          : process.env.OPS_LOG_FORMAT === 'json',
      // With --json standard output is the result, so events go to standard error.
      write: (text) => (this.jsonEnabled() ? process.stderr : process.stdout).write(text),
    })
  }
}
