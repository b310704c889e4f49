import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'

export default class Worker extends OpsCommand {
  static override summary = 'Perform the tasks that are due, one at a time.'

  static override description =
    `Polls the task tables in the order of their priorities and performs what is due. SIGTERM, Ctrl-C or a closed
terminal finishes the task at hand and ends; a second one, or the end of the grace period, ends the task too.`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --only build,deploy',
    '<%= config.bin %> <%= command.id %> --drain',
  ]

  static override flags = {
    only: Flags.string({
      summary: 'the processors whose tasks it takes',
      helpValue: '<name,…>',
      multiple: true,
      delimiter: ',',
    }),
    drain: Flags.boolean({ summary: 'end when nothing is due' }),
    once: Flags.boolean({ summary: 'end after one task' }),
    'poll-interval': Flags.string({
      summary: 'the longest wait between two looks [default: 1s]',
      helpValue: '<duration>',
    }),
    grace: Flags.string({
      summary: 'how long a stop waits for the task at hand [default: 10m]',
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
      pollInterval: parseDuration(flags['poll-interval'] ?? worker.pollInterval ?? '1s', '--poll-interval'),
      grace: parseDuration(flags.grace ?? worker.gracePeriod ?? '10m', '--grace'),
      version: this.config.version,
      asJson:
        process.env.OPS_LOG_FORMAT === undefined
          ? process.stdout.isTTY !== true
          : process.env.OPS_LOG_FORMAT === 'json',
      // With --json the result is the output, and the events are messages.
      write: (text) => (this.jsonEnabled() ? process.stderr : process.stdout).write(text),
    })
  }
}
