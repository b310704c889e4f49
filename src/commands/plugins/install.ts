import * as Args from '@oclif/core/args'
import { OpsCommand } from '../../command-line/ops-command.ts'
import { changeFlags, scriptsFlag } from '../../command-line/plugin-flags.ts'

export default class PluginsInstall extends OpsCommand {
  static override summary = 'Install plugins, or without an argument those of the lock file.'

  static override description = `Takes a package of the registry, a tarball, a folder (packed as npm would
publish it) or a git repository. Either all of it is installed, or nothing has
changed. Install scripts do not run unless they are allowed, and what a plugin
names as its peers is not fetched: ops gives it its own.

The list and the lock file are in .ops/plugins, for the repository; on a server
ops plugins install without an argument installs exactly these versions.`

  static override examples = [
    '<%= config.bin %> <%= command.id %> ops-plugin-email',
    '<%= config.bin %> <%= command.id %> @acme/plugin-invoice@1.2.0 --migrate',
    '<%= config.bin %> <%= command.id %> ./ops-plugin-email-1.0.0.tgz',
    '<%= config.bin %> <%= command.id %> git+https://git.example.com/ops-plugin-email.git#v1',
    '<%= config.bin %> <%= command.id %>',
  ]

  static override strict = false

  static override args = {
    plugin: Args.string({ description: 'package, name@version, tarball, folder or repository; several are possible' }),
  }

  static override flags = { ...changeFlags, ...scriptsFlag }

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(PluginsInstall)
    const [{ addPlugins, restorePlugins }, { tellPlugins, tellIdleScripts }] = await Promise.all([
      import('../../plugins/add-plugins.ts'),
      import('../../output/tell-plugins.ts'),
    ])
    const place = { cwd: process.cwd(), env: process.env, file: flags.config }
    const options = { allowScripts: flags['allow-scripts'], force: flags.force, migrate: flags.migrate }
    const names = argv as string[]
    const change = names.length > 0 ? await addPlugins(place, names, options) : await restorePlugins(place, options)
    tellPlugins(change, this)
    tellIdleScripts(change.idleScripts, this)
    return change
  }
}
