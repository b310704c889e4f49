import * as Args from '@oclif/core/args'
import { OpsCommand } from '../../command-line/ops-command.ts'

export default class TasksShow extends OpsCommand {
  static override summary = 'Show a task: its row, its runs, its audit trail and its logs.'

  static override examples = ['<%= config.bin %> <%= command.id %> build 42']

  static override args = {
    processor: Args.string({ required: true, description: 'the processor, such as build' }),
    id: Args.string({ required: true, description: 'the id of the task' }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TasksShow)
    const [{ showTask }, { taskSheet }] = await Promise.all([
      import('../../tasks/show-task.ts'),
      import('../../output/task-sheet.ts'),
    ])
    const project = await this.openProject(flags.config)
    const history = await showTask(project, args.processor, args.id)
    this.log(taskSheet(history, new Date(), this.screen))
    const { task, runs, audit, logs } = history
    const { processor, table } = task.queued
    return { task: task.name, processor, table: table.name, row: task.row, runs, audit, logs }
  }
}
