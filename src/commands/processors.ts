import { OpsCommand } from '../command-line/ops-command.ts'

export default class Processors extends OpsCommand {
  static override summary = 'List what can be done with a task: the processors, and the plugins that bring them.'

  static override description = `Imports each processor to see that it works. One that does not is listed with
the reason and what to do, and the exit status is 0 all the same: ops worker is
what refuses to start without one that is needed.`

  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json']

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Processors)
    const [{ listProcessors }, { processorsTable, problemLines }] = await Promise.all([
      import('../project/list-processors.ts'),
      import('../output/processors-table.ts'),
    ])
    const project = await this.openProject(flags.config, { isListing: true })
    const listed = await listProcessors(project)
    this.log(processorsTable(listed.processors, this.screen))
    for (const line of problemLines(listed)) this.log(line)
    return listed
  }
}
