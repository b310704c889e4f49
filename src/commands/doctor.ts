import { OpsCommand } from '../command-line/ops-command.ts'

export default class Doctor extends OpsCommand {
  static override summary = 'See whether everything is as it has to be, and say what to do where it is not.'

  static override description =
    `Looks at the configuration, the versions, the settings of the database, the triggers and indexes of each task table,
the plugins, the time zone of schedules, and the units where they are installed. Nothing is mended. The exit status is 1
when there is a problem or a warning; what cannot be looked at here is skipped, and says why.`

  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json']

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Doctor)
    const [{ examineProject }, { findingsSheet, isWell }, { knownPlugins }] = await Promise.all([
      import('../project/examine-project.ts'),
      import('../command-line/findings-sheet.ts'),
      import('../command-line/known-plugins.ts'),
    ])
    const plugins = knownPlugins(flags.config)
    const findings = await examineProject({
      open: () => this.openProject(flags.config, { isListing: true }),
      plugins,
      units: {
        env: process.env,
        configFlag: flags.config,
        cwd: process.cwd(),
        node: process.execPath,
        root: this.config.root,
        version: this.config.version,
        pluginFolder: plugins.folder.path,
      },
    })
    this.log(findingsSheet(findings, this.screen))
    if (!isWell(findings)) process.exitCode = 1
    return { checks: findings.map(({ remedy = null, ...finding }) => ({ ...finding, remedy })) }
  }
}
