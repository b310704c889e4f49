import * as Args from '@oclif/core/args'
import { OpsCommand } from '../../command-line/ops-command.ts'

export default class PluginsUnlink extends OpsCommand {
  static override summary = 'Use a linked plugin no longer; its folder stays as it is.'

  static override examples = ['<%= config.bin %> <%= command.id %> ops-plugin-email']

  static override args = { plugin: Args.string({ description: 'its name', required: true }) }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(PluginsUnlink)
    const [{ unlinkPlugin }, { tellLeftBehind }] = await Promise.all([
      import('../../plugins/link-plugin.ts'),
      import('../../output/tell-left-behind.ts'),
    ])
    const place = { cwd: process.cwd(), env: process.env, file: flags.config }
    const unlinked = await unlinkPlugin(place, args.plugin)
    this.log(`${unlinked.name} is linked no longer.`)
    const { installedVersion, isBundled } = unlinked
    if (installedVersion !== null) this.log(`The version that was installed before counts again: ${installedVersion}.`)
    else if (isBundled) this.log('The one that comes with ops counts again.')
    tellLeftBehind(unlinked, this)
    return unlinked
  }
}
