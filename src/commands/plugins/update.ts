import * as Args from '@oclif/core/args'
import { OpsCommand } from '../../command-line/ops-command.ts'
import { changeFlags, scriptsFlag } from '../../command-line/plugin-flags.ts'

export default class PluginsUpdate extends OpsCommand {
  static override summary = 'Fetch installed plugins anew, by what they were installed by.'

  static override description = `One that was installed by its name gets the newest version, one by name@1 the
newest 1; a tarball, a folder and a repository are read again. A version that
cannot be used does not replace one that can.`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> ops-plugin-email',
  ]

  static override strict = false

  static override args = { plugin: Args.string({ description: 'its name; all that are installed without one' }) }

  static override flags = { ...changeFlags, ...scriptsFlag }

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(PluginsUpdate)
    const [{ updatePlugins }, { tellPlugins, tellIdleScripts }] = await Promise.all([
      import('../../plugins/add-plugins.ts'),
      import('../../output/tell-plugins.ts'),
    ])
    const place = { cwd: process.cwd(), env: process.env, file: flags.config }
    const options = { allowScripts: flags['allow-scripts'], force: flags.force, migrate: flags.migrate }
    const change = await updatePlugins(place, argv as string[], options)
    tellPlugins(change, this, change.unchanged)
    tellIdleScripts(change.idleScripts, this)
    for (const { name, path } of change.passedOver) this.warn(`${name} stays as it is: ${path} is not there any more.`)
    return change
  }
}
