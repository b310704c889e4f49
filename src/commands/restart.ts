import * as Args from '@oclif/core/args'
import { OpsCommand } from '../command-line/ops-command.ts'

export default class Restart extends OpsCommand {
  static override summary = 'Start services anew that run in development.'

  static override description =
    `Each is asked to stop, in its own time, and is started again; what depends on it goes on. Returns when all of them
are ready. A worker finishes its task first.`

  static override examples = ['<%= config.bin %> <%= command.id %> api', '<%= config.bin %> <%= command.id %> api web']

  static override strict = false

  static override args = {
    service: Args.string({ required: true, description: 'a service, or one instance of it such as api.2' }),
  }

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(Restart)
    const [{ restartServices }, { restartedInWords }] = await Promise.all([
      import('../development/control-services.ts'),
      import('../output/tell-services.ts'),
    ])
    const project = await this.openProject(flags.config, { isListing: true })
    const services = await restartServices(project, argv as string[], (restarted) =>
      this.log(restartedInWords(restarted)),
    )
    return { services }
  }
}
