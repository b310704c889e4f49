import * as Args from '@oclif/core/args'
import { OpsCommand } from '../../command-line/ops-command.ts'
import { installFlags } from '../../command-line/plugin-flags.ts'

export default class PluginsUpdate extends OpsCommand {
  static override summary = 'Update installed plugins within their version ranges.'

  static override description = `A plugin installed by name gets the latest version, one installed as name@1 the
latest version 1; tarballs, folders and repositories are read again. A version
that does not work replaces one that does only with --force.`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> ops-plugin-email',
  ]

  static override strict = false

  static override args = { plugin: Args.string({ description: 'name of the plugin; repeatable [default: all]' }) }

  static override flags = installFlags

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(PluginsUpdate)
    const [{ updatePlugins }, { printChange, printSkippedScripts }] = await Promise.all([
      import('../../plugins/add-plugins.ts'),
      import('../../output/print-plugins.ts'),
    ])
    const location = { cwd: process.cwd(), env: process.env, file: flags.config }
    const options = { allowScripts: flags['allow-scripts'], force: flags.force, migrate: flags.migrate }
    const change = await updatePlugins(location, argv as string[], options)
    printChange(change, this, change.unchanged)
    printSkippedScripts(change.skippedScripts, this)
    for (const { name, path } of change.skipped) this.warn(`Skipped ${name}: ${path} does not exist any more.`)
    return change
  }
}
