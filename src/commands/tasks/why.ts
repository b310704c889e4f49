import * as Args from '@oclif/core/args'
import { OpsCommand } from '../../command-line/ops-command.ts'

export default class TasksWhy extends OpsCommand {
  static override summary = 'Say why a task waits.'

  static override description =
    `For its time, for another task, for a key and whoever has it, behind tasks that come first, for a worker.`

  static override examples = ['<%= config.bin %> <%= command.id %> build 42']

  static override args = {
    processor: Args.string({ required: true, description: 'the processor, such as build' }),
    id: Args.string({ required: true, description: 'the id of the task' }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TasksWhy)
    const [{ whyTask }, { whyInWords }] = await Promise.all([
      import('../../tasks/why-task.ts'),
      import('../../output/why-words.ts'),
    ])
    const project = await this.openProject(flags.config)
    const why = await whyTask(project, args.processor, args.id)
    this.log(whyInWords(why, new Date()))
    const { task, run, reasons } = why
    return { task: task.name, status: task.status, run: run ?? null, reasons }
  }
}
