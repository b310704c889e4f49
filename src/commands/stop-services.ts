import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'

export default class StopServices extends OpsCommand {
  static override summary = 'Stop running development services.'

  static override description =
    `Works like Ctrl-C in the terminal of ops start-services: each service gets its stop signal once, dependents first,
and has its stopTimeout to exit. Returns when all have stopped; succeeds if none was running.`

  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --force']

  static override flags = {
    force: Flags.boolean({ char: 'f', summary: 'kill the services without waiting' }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(StopServices)
    const [{ stopServices }, { StoppingLines }] = await Promise.all([
      import('../development/control-client.ts'),
      import('../output/stopping-lines.ts'),
    ])
    const project = await this.openProject(flags.config, { isListing: true })
    const lines = new StoppingLines((text) => this.logToStderr(text), { hint: 'use --force to kill them' })
    const stopped = await stopServices(project, { isForced: flags.force, onWait: (services) => lines.show(services) })
    this.log(stopped === undefined ? 'No services are running.' : 'Stopped all services.')
    return { stopped: stopped !== undefined, pid: stopped?.pid ?? null }
  }
}
