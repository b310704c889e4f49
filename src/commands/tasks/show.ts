import * as Args from '@oclif/core/args'
import { OpsCommand } from '../../command-line/ops-command.ts'

export default class TasksShow extends OpsCommand {
  static override summary = 'Show a task with its runs, audit trail and logs.'

  static override examples = ['<%= config.bin %> <%= command.id %> build 42']

  static override args = {
    processor: Args.string({ required: true, description: 'a processor, such as build' }),
    id: Args.string({ required: true, description: 'the id of the task' }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TasksShow)
    const [{ readHistory }, { taskDetails }] = await Promise.all([
      import('../../tasks/task-history.ts'),
      import('../../output/task-details.ts'),
    ])
    const project = await this.openProject(flags.config)
    const history = await readHistory(project, args.processor, args.id)
    this.log(taskDetails(history, new Date(), this.screen))
    const { task, runs, audit, logs } = history
    const { processor, table } = task.queued
    return { task: task.name, processor, table: table.name, row: task.row, runs, audit, logs }
  }
}
