import { OpsCommand } from '../command-line/ops-command.ts'

export default class Processors extends OpsCommand {
  static override summary = 'List processors and the plugins that provide them.'

  static override description = `Imports each processor to see whether it works. A broken one is listed with the
reason and what to do; the exit status is 0 anyway. Only ops worker refuses to
start without a processor that it needs.`

  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json']

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Processors)
    const [{ listProcessors }, { processorsTable }] = await Promise.all([
      import('../project/list-processors.ts'),
      import('../output/processors-table.ts'),
    ])
    const project = await this.openProject(flags.config, { isListing: true })
    const listed = await listProcessors(project)
    this.log(processorsTable(listed, this.screen))
    return listed
  }
}
