import * as Args from '@oclif/core/args'
import { OpsCommand } from '../../command-line/ops-command.ts'

export default class PluginsInspect extends OpsCommand {
  static override summary = 'Show all that is known of a plugin.'

  static override examples = ['<%= config.bin %> <%= command.id %> ops-plugin-email']

  static override args = { plugin: Args.string({ description: 'its name', required: true }) }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(PluginsInspect)
    const [{ inspectPlugin }, { pluginSheet }, { knownPlugins }] = await Promise.all([
      import('../../plugins/inspect-plugin.ts'),
      import('../../output/plugin-sheet.ts'),
      import('../../command-line/known-plugins.ts'),
    ])
    const project = await this.openProject(flags.config, { isListing: true })
    const { sheet, facts } = await inspectPlugin(project, knownPlugins(flags.config), args.plugin)
    const commands = this.config.plugins.get(sheet.name)?.commandIDs.map((id) => id.replaceAll(':', ' ')) ?? []
    this.log(pluginSheet(sheet, { ...facts, commands }, this.screen))
    return { ...sheet, ...facts, commands }
  }
}
