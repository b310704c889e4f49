import { OpsCommand } from '../command-line/ops-command.ts'

const EXAMPLE = `No schedules. Add one to ops.config.ts:
  schedules: { nightly: { cron: '0 3 * * *', enqueue: 'build', with: { repository: '.' } } }`

export default class Schedules extends OpsCommand {
  static override summary = 'List schedules with their last and next runs.'

  static override examples = ['<%= config.bin %> <%= command.id %>']

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Schedules)
    const [{ listSchedules }, { schedulesTable }] = await Promise.all([
      import('../tasks/list-schedules.ts'),
      import('../output/schedules-table.ts'),
    ])
    const project = await this.openProject(flags.config)
    const now = new Date()
    const schedules = await listSchedules(project, now)
    this.log(schedules.length > 0 ? schedulesTable(schedules, now, this.screen) : EXAMPLE)
    return { schedules }
  }
}
