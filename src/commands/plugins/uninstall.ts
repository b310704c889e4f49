import * as Args from '@oclif/core/args'
import { OpsCommand } from '../../command-line/ops-command.ts'

export default class PluginsUninstall extends OpsCommand {
  static override summary = 'Take plugins away, installed or linked. Their tables stay in the database.'

  static override examples = ['<%= config.bin %> <%= command.id %> ops-plugin-email']

  static override strict = false

  static override args = { plugin: Args.string({ description: 'its name; several are possible', required: true }) }

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(PluginsUninstall)
    const [{ removePlugins }, { tellLeftBehind }] = await Promise.all([
      import('../../plugins/remove-plugins.ts'),
      import('../../output/tell-left-behind.ts'),
    ])
    const place = { cwd: process.cwd(), env: process.env, file: flags.config }
    const plugins = await removePlugins(place, argv as string[])
    for (const plugin of plugins) {
      this.log(`${plugin.name} is gone.`)
      if (plugin.isBundled) this.log('The one that comes with ops counts again.')
      tellLeftBehind(plugin, this)
    }
    return { plugins }
  }
}
