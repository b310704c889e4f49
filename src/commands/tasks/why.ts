import * as Args from '@oclif/core/args'
import { OpsCommand } from '../../command-line/ops-command.ts'

export default class TasksWhy extends OpsCommand {
  static override summary = 'Explain why a task is waiting.'

  static override description =
    'A task may wait until a time, for another task, for a key that a run or a person holds, or for a worker.'

  static override examples = ['<%= config.bin %> <%= command.id %> build 42']

  static override args = {
    processor: Args.string({ required: true, description: 'a processor, such as build' }),
    id: Args.string({ required: true, description: 'the id of the task' }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TasksWhy)
    const [{ explainWait }, { formatWait }] = await Promise.all([
      import('../../tasks/explain-wait.ts'),
      import('../../output/format-wait.ts'),
    ])
    const project = await this.openProject(flags.config)
    const explanation = await explainWait(project, args.processor, args.id)
    this.log(formatWait(explanation, new Date()))
    const { task, run, reasons } = explanation
    return { task: task.name, status: task.status, run: run ?? null, reasons }
  }
}
