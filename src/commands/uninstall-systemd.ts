import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'

export default class UninstallSystemd extends OpsCommand {
  static override summary = 'Remove from this server what `ops install-systemd` has installed.'

  static override description =
    `Stops the units, a worker after the task at hand, and removes their files: those that the manifest of the installation
names and that carry its mark. The database, the rest of the state and the user that owns them stay.`

  static override examples = [
    '<%= config.bin %> <%= command.id %> --dry-run',
    'sudo <%= config.bin %> <%= command.id %>',
  ]

  static override flags = {
    'dry-run': Flags.boolean({ summary: 'show what would be removed, and touch nothing' }),
    yes: Flags.boolean({ char: 'y', summary: 'do not ask' }),
    user: Flags.boolean({ summary: 'remove the units of your own user' }),
    prefix: Flags.string({ summary: 'remove below this folder', helpValue: '<folder>' }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(UninstallSystemd)
    const [{ planRemoval, uninstall }, { mayChangeServer }] = await Promise.all([
      import('../server/uninstall-systemd.ts'),
      import('../command-line/may-change-server.ts'),
    ])
    const project = await this.openProject(flags.config)
    const removal = await planRemoval(project, {
      scope: flags.user ? 'user' : 'system',
      env: process.env,
      cwd: process.cwd(),
      configFlag: flags.config,
      prefix: flags.prefix,
    })
    const { manifest, units, files, kept } = removal
    for (const unit of units) this.log(`stop    ${unit}`)
    for (const file of files) this.log(`remove  ${file}`)
    for (const file of kept) this.warn(`${file} is not by ops any more, so it stays.`)
    this.log(`stays   ${manifest.state}, with the database in it`)
    if (manifest.createdUser)
      this.log(`stays   the user ${manifest.createdUser}, who owns it: userdel ${manifest.createdUser}`)
    const result = { units, files, kept, state: manifest.state }
    if (flags['dry-run']) return result
    if (flags.prefix === undefined) {
      const argv = this.argv
      const may = await mayChangeServer({ what: 'ops uninstall-systemd', flags, argv, installation: removal })
      if (!may) return { ...result, changed: false }
    }
    await uninstall(removal, { step: (text) => this.log(text), journal: () => {} })
    this.log(`${manifest.project} is uninstalled.`)
    return { ...result, changed: true }
  }
}
