import * as Args from '@oclif/core/args'
import { OpsCommand } from '../command-line/ops-command.ts'

export default class Unhold extends OpsCommand {
  static override summary = 'Release a key that is on hold.'

  static override examples = ['<%= config.bin %> <%= command.id %> environment:production']

  static override args = {
    key: Args.string({ required: true, description: 'a key that is on hold, such as environment:production' }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Unhold)
    const { unhold } = await import('../tasks/holds.ts')
    const project = await this.openProject(flags.config)
    const released = await unhold(project, args.key)
    this.logLine(`Released ${released.key}.`)
    return released
  }
}
