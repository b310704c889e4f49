import * as Args from '@oclif/core/args'
import { OpsCommand } from '../command-line/ops-command.ts'

export default class Restart extends OpsCommand {
  static override summary = 'Restart running development services.'

  static override description =
    `Stops each service, waiting up to its stopTimeout, and starts it again; its dependents keep running. Returns when all
of them are ready. A worker finishes its task first.`

  static override examples = ['<%= config.bin %> <%= command.id %> api', '<%= config.bin %> <%= command.id %> api web']

  static override strict = false

  static override args = {
    service: Args.string({ required: true, description: 'service, or one of its instances such as api.2' }),
  }

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(Restart)
    const [{ restartServices }, { formatDuration }] = await Promise.all([
      import('../development/control-client.ts'),
      import('../format.ts'),
    ])
    const project = await this.openProject(flags.config, { isListing: true })
    const services = await restartServices(project, argv as string[], ({ name, tookMs }) =>
      this.log(`Restarted ${name} in ${formatDuration(tookMs)}`),
    )
    return { services }
  }
}
