import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'

export default class Doctor extends OpsCommand {
  static override summary = 'See whether everything is as it has to be, and say what to do where it is not.'

  static override description =
    `Looks at the configuration, the versions, the settings of the database, the triggers and indexes of each task table,
the plugins, the time zone of schedules, and the units where they are installed. Nothing is mended. The exit status is 1
when there is a problem or a warning; what cannot be looked at here is skipped, and says why.`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --json',
    '<%= config.bin %> <%= command.id %> --parity',
  ]

  static override flags = {
    parity: Flags.boolean({
      summary:
        'show how development and systemd honour each field of a service; exit 1 when one of this project is not',
    }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Doctor)
    if (flags.parity) return this.#compare(flags.config)
    const [{ examineProject }, { findingsSheet, isWell }, { findPlugins }] = await Promise.all([
      import('../doctor/examine-project.ts'),
      import('../output/findings-sheet.ts'),
      import('../plugins/find-plugins.ts'),
    ])
    const plugins = findPlugins({ cwd: process.cwd(), env: process.env, file: flags.config })
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

  async #compare(file: string | undefined): Promise<unknown> {
    const [{ compareFields }, { unkeptFields }, { parityTable }] = await Promise.all([
      import('../doctor/service-parity.ts'),
      import('../server/unkept-fields.ts'),
      import('../output/parity-table.ts'),
    ])
    const { config } = await this.openProject(file, { isListing: true })
    const [fields, problems] = [compareFields(config), unkeptFields(config)]
    this.log(parityTable(fields, this.screen))
    if (problems.length > 0) {
      this.log(['', 'systemd cannot keep, and ops install-systemd refuses:', ...problems].join('\n'))
      process.exitCode = 1
    }
    return { fields, problems }
  }
}
