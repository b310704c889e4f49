import * as Args from '@oclif/core/args'
import { OpsCommand } from '../../command-line/ops-command.ts'
import { changeFlags } from '../../command-line/plugin-flags.ts'

export default class PluginsLink extends OpsCommand {
  static override summary = 'Use a plugin from the folder in which it is written.'

  static override description = `It runs from its TypeScript sources, without a build, and goes before an
installed plugin of its name. What it depends on is what npm install has put
into its folder.`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> ./my-plugin --migrate',
  ]

  static override args = { folder: Args.string({ description: 'the folder of the plugin', default: '.' }) }

  static override flags = { migrate: changeFlags.migrate }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(PluginsLink)
    const [{ linkPlugin }, { tellPlugins }] = await Promise.all([
      import('../../plugins/link-plugin.ts'),
      import('../../output/tell-plugins.ts'),
    ])
    const place = { cwd: process.cwd(), env: process.env, file: flags.config }
    // Whoever writes a plugin links it before it works.
    const change = await linkPlugin(place, args.folder, { force: true, migrate: flags.migrate })
    tellPlugins(change, this)
    return change
  }
}
