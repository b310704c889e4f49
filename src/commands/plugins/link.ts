import * as Args from '@oclif/core/args'
import { OpsCommand } from '../../command-line/ops-command.ts'
import { migrateFlag } from '../../command-line/plugin-flags.ts'

export default class PluginsLink extends OpsCommand {
  static override summary = 'Use a plugin from its source folder.'

  static override description = `The plugin runs from its TypeScript sources, without a build, and replaces an
installed plugin of the same name until it is unlinked. Its dependencies are
those that npm install has put into its folder.`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> ./my-plugin --migrate',
  ]

  static override args = { folder: Args.string({ description: 'folder of the plugin', default: '.' }) }

  static override flags = migrateFlag

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(PluginsLink)
    const [{ linkPlugin }, { printChange }] = await Promise.all([
      import('../../plugins/add-plugins.ts'),
      import('../../output/print-plugins.ts'),
    ])
    const location = { cwd: process.cwd(), env: process.env, file: flags.config }
    // A plugin under development is linked before it works.
    const change = await linkPlugin(location, args.folder, { force: true, migrate: flags.migrate })
    printChange(change, this)
    return change
  }
}
