import { OpsCommand } from '../command-line/ops-command.ts'

export default class Status extends OpsCommand {
  static override summary = 'Show the status of development services.'

  static override description =
    `Asks the ops start-services of this project, in whichever terminal it runs. Exits with 1 when no services are
running.`

  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json']

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Status)
    const [{ servicesStatus }, { servicesTable }] = await Promise.all([
      import('../development/control-client.ts'),
      import('../output/services-table.ts'),
    ])
    const project = await this.openProject(flags.config, { isListing: true })
    const status = await servicesStatus(project)
    this.log(servicesTable(status.services, new Date(), this.screen))
    return status
  }
}
