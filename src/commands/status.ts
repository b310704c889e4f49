import { OpsCommand } from '../command-line/ops-command.ts'

export default class Status extends OpsCommand {
  static override summary = 'Say how the services are that run in development.'

  static override description =
    `Asks the ops start-services of this project, wherever it runs on this machine. The exit status is 1 when there is
none.`

  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json']

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Status)
    const [{ servicesStatus }, { servicesTable }] = await Promise.all([
      import('../development/control-services.ts'),
      import('../output/services-table.ts'),
    ])
    const project = await this.openProject(flags.config, { isListing: true })
    const status = await servicesStatus(project)
    this.log(servicesTable(status.services, new Date(), this.screen))
    return status
  }
}
