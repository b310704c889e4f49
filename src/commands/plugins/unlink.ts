import * as Args from '@oclif/core/args'
import { OpsCommand } from '../../command-line/ops-command.ts'

export default class PluginsUnlink extends OpsCommand {
  static override summary = 'Stop using a linked plugin. Its folder is kept.'

  static override examples = ['<%= config.bin %> <%= command.id %> ops-plugin-email']

  static override args = { plugin: Args.string({ description: 'name of the plugin', required: true }) }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(PluginsUnlink)
    const [{ unlinkPlugin }, { printLeftovers }] = await Promise.all([
      import('../../plugins/remove-plugins.ts'),
      import('../../output/print-plugins.ts'),
    ])
    const location = { cwd: process.cwd(), env: process.env, file: flags.config }
    const unlinked = await unlinkPlugin(location, args.plugin)
    this.log(`Unlinked ${unlinked.name}.`)
    const { installedVersion, isBundled } = unlinked
    if (installedVersion !== null) this.log(`The installed version ${installedVersion} is active again.`)
    else if (isBundled) this.log('The bundled version is active again.')
    printLeftovers(unlinked, this)
    return unlinked
  }
}
