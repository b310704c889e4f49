import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'

export default class StopServices extends OpsCommand {
  static override summary = 'Stop the services that run in development.'

  static override description =
    `As Ctrl-C in the terminal of ops start-services would: each is asked once, in the reverse order of their
dependencies, and has its own time. Returns when none is left, also where none ran.`

  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --force']

  static override flags = {
    force: Flags.boolean({ char: 'f', summary: 'do not wait for any of them' }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(StopServices)
    const [{ stopServices }, { StopLines }] = await Promise.all([
      import('../development/control-services.ts'),
      import('../output/tell-services.ts'),
    ])
    const project = await this.openProject(flags.config, { isListing: true })
    const lines = new StopLines((text) => this.logToStderr(text))
    const stopped = await stopServices(project, { isForced: flags.force, onWait: (services) => lines.show(services) })
    this.log(stopped === undefined ? 'No services run here.' : 'The services have stopped.')
    return { stopped: stopped !== undefined, pid: stopped?.pid ?? null }
  }
}
