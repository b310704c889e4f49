import * as Args from '@oclif/core/args'
import { OpsCommand } from '../../command-line/ops-command.ts'

export default class PluginsInspect extends OpsCommand {
  static override summary = 'Show details of a plugin.'

  static override examples = ['<%= config.bin %> <%= command.id %> ops-plugin-email']

  static override args = { plugin: Args.string({ description: 'name of the plugin', required: true }) }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(PluginsInspect)
    const [{ inspectPlugin }, { pluginDetails }, { findPlugins }] = await Promise.all([
      import('../../plugins/list-plugins.ts'),
      import('../../output/plugin-details.ts'),
      import('../../plugins/find-plugins.ts'),
    ])
    const project = await this.openProject(flags.config, { isListing: true })
    const known = findPlugins({ cwd: process.cwd(), env: process.env, file: flags.config })
    const plugin = await inspectPlugin(project, known, args.plugin)
    const commands = this.config.plugins.get(plugin.name)?.commandIDs.map((id) => id.replaceAll(':', ' ')) ?? []
    this.log(pluginDetails({ ...plugin, commands }, this.screen))
    return { ...plugin, commands }
  }
}
