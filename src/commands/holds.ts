import { OpsCommand } from '../command-line/ops-command.ts'

export default class Holds extends OpsCommand {
  static override summary = 'List keys that are on hold.'

  static override examples = ['<%= config.bin %> <%= command.id %>']

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Holds)
    const [{ listHolds }, { holdsTable }] = await Promise.all([
      import('../tasks/holds.ts'),
      import('../output/holds-table.ts'),
    ])
    const project = await this.openProject(flags.config)
    const holds = await listHolds(project)
    this.log(holds.length > 0 ? holdsTable(holds, new Date(), this.screen) : 'No keys are on hold.')
    return { holds }
  }
}
