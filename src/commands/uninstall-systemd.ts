import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'

export default class UninstallSystemd extends OpsCommand {
  static override summary = 'Remove the systemd units of this project.'

  static override description =
    `Stops the units, workers after their current task, and removes the files that ops installed. The database, the rest of
the state and the user that owns them stay.`

  static override examples = [
    '<%= config.bin %> <%= command.id %> --dry-run',
    'sudo <%= config.bin %> <%= command.id %>',
  ]

  static override flags = {
    'dry-run': Flags.boolean({ summary: 'show what would be removed, change nothing' }),
    yes: Flags.boolean({ char: 'y', summary: 'do not ask for confirmation' }),
    user: Flags.boolean({ summary: 'remove user units' }),
    prefix: Flags.string({ summary: 'remove the files below this folder', helpValue: '<folder>' }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(UninstallSystemd)
    const [{ planRemoval, uninstall }, { formatInstallEvent }, { confirmServerChange }] = await Promise.all([
      import('../server/uninstall-systemd.ts'),
      import('../output/install-plan.ts'),
      import('../command-line/confirm-server-change.ts'),
    ])
    const project = await this.openProject(flags.config)
    const removal = await planRemoval(project, {
      scope: flags.user ? 'user' : 'system',
      env: process.env,
      cwd: process.cwd(),
      configFlag: flags.config,
      prefix: flags.prefix,
    })
    const { manifest, units, files, kept, hasSystemd } = removal
    for (const unit of units) this.log(`stop    ${unit}`)
    for (const file of files) this.log(`remove  ${file}`)
    for (const file of kept) this.warn(`${file} is no longer managed by ops, so it stays.`)
    this.log(`keep    ${manifest.state}, with the database`)
    if (manifest.createdUser) {
      this.log(`keep    user ${manifest.createdUser}, its owner. Remove it: userdel ${manifest.createdUser}`)
    }
    const result = { units, files, kept, state: manifest.state }
    if (flags['dry-run']) return result
    if (flags.prefix === undefined) {
      const command = 'uninstall-systemd'
      const isConfirmed = await confirmServerChange({ command, argv: this.argv, flags, hasSystemd })
      if (!isConfirmed) return { ...result, changed: false }
    }
    await uninstall(removal, (event) => this.log(formatInstallEvent(event)))
    this.log(`Uninstalled ${manifest.project}.`)
    return { ...result, changed: true }
  }
}
