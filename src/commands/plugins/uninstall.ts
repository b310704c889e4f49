import * as Args from '@oclif/core/args'
import { OpsCommand } from '../../command-line/ops-command.ts'

export default class PluginsUninstall extends OpsCommand {
  static override summary = 'Uninstall or unlink plugins. Their tables stay in the database.'

  static override examples = ['<%= config.bin %> <%= command.id %> ops-plugin-email']

  static override strict = false

  static override args = { plugin: Args.string({ description: 'name of the plugin; repeatable', required: true }) }

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(PluginsUninstall)
    const [{ removePlugins }, { printLeftovers }] = await Promise.all([
      import('../../plugins/remove-plugins.ts'),
      import('../../output/print-plugins.ts'),
    ])
    const location = { cwd: process.cwd(), env: process.env, file: flags.config }
    const plugins = await removePlugins(location, argv as string[])
    for (const plugin of plugins) {
      this.log(`Uninstalled ${plugin.name}.`)
      if (plugin.isBundled) this.log('The bundled version is active again.')
      printLeftovers(plugin, this)
    }
    return { plugins }
  }
}
