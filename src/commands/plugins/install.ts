import * as Args from '@oclif/core/args'
import { OpsCommand } from '../../command-line/ops-command.ts'
import { installFlags } from '../../command-line/plugin-flags.ts'

export default class PluginsInstall extends OpsCommand {
  static override summary = 'Install plugins, or all plugins in the lock file.'

  static override description = `Takes packages from the registry, tarballs, folders (packed as npm would publish
them) and git repositories. Either all of them are installed, or nothing
changes. Install scripts do not run unless allowed, and peer dependencies are
not fetched: ops provides its own.

The list and the lock file in .ops/plugins belong in the repository. On a
server, ops plugins install without arguments installs exactly these versions.`

  static override examples = [
    '<%= config.bin %> <%= command.id %> ops-plugin-email',
    '<%= config.bin %> <%= command.id %> @acme/plugin-invoice@1.2.0 --migrate',
    '<%= config.bin %> <%= command.id %> ./ops-plugin-email-1.0.0.tgz',
    '<%= config.bin %> <%= command.id %> git+https://git.example.com/ops-plugin-email.git#v1',
    '<%= config.bin %> <%= command.id %>',
  ]

  static override strict = false

  static override args = {
    plugin: Args.string({ description: 'package, name@version, tarball, folder or repository; repeatable' }),
  }

  static override flags = installFlags

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(PluginsInstall)
    const [{ addPlugins, restorePlugins }, { printChange, printSkippedScripts }] = await Promise.all([
      import('../../plugins/add-plugins.ts'),
      import('../../output/print-plugins.ts'),
    ])
    const location = { cwd: process.cwd(), env: process.env, file: flags.config }
    const options = { allowScripts: flags['allow-scripts'], force: flags.force, migrate: flags.migrate }
    const sources = argv as string[]
    const change =
      sources.length > 0 ? await addPlugins(location, sources, options) : await restorePlugins(location, options)
    printChange(change, this)
    printSkippedScripts(change.skippedScripts, this)
    return change
  }
}
