import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'
import type { Screen } from '../output/screen.ts'
import type { Check } from '../queue/check.ts'

export default class Doctor extends OpsCommand {
  static override summary = 'Check the setup and suggest fixes.'

  static override description =
    `Checks the configuration, the versions, the settings of the database, the triggers and indexes of each task table,
the plugins, tasks that wait without an end, the schedules and their time zone, and the units if they are installed.
Changes nothing without --fix. Exits 1 when there is a problem or a warning. Checks that cannot run here are skipped, with
the reason.`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --json',
    '<%= config.bin %> <%= command.id %> --fix',
    '<%= config.bin %> <%= command.id %> --security',
    '<%= config.bin %> <%= command.id %> --parity',
  ]

  static override flags = {
    fix: Flags.boolean({
      summary: 'correct tasks, runs and keys that contradict each other, each with an entry in the audit',
      exclusive: ['parity'],
    }),
    'max-wait': Flags.string({
      summary: 'how long a task may be due before that is a problem',
      helpValue: '<duration>',
      default: '1h',
    }),
    security: Flags.boolean({
      summary: 'check who else could read or change the state, or run programs through it',
      exclusive: ['fix', 'parity'],
    }),
    parity: Flags.boolean({
      summary:
        'compare how development and systemd support each field of a service; exit 1 if this project uses an unsupported one',
    }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Doctor)
    if (flags.parity) return this.#compare(flags.config)
    const [{ checkProject }, { formatChecks }, { findPlugins }, { parseDuration }] = await Promise.all([
      import('../doctor/check-project.ts'),
      import('../output/doctor-tables.ts'),
      import('../plugins/find-plugins.ts'),
      import('../config/duration.ts'),
    ])
    const plugins = findPlugins({ cwd: process.cwd(), env: process.env, file: flags.config })
    if (flags.security) {
      const { checkSecurity } = await import('../doctor/check-security.ts')
      const project = await this.openProject(flags.config, { isListing: true })
      return this.#print(await checkSecurity(project, plugins.folder.path, process.env), formatChecks)
    }
    const checks = await checkProject({
      maxWait: parseDuration(flags['max-wait'], '--max-wait'),
      openProject: () => this.openProject(flags.config, { isListing: true }),
      plugins,
      fix: flags.fix,
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
    return this.#print(checks, formatChecks)
  }

  #print(checks: readonly Check[], formatChecks: (checks: readonly Check[], screen: Screen) => string): unknown {
    this.log(formatChecks(checks, this.screen))
    if (checks.some(({ status }) => status === 'problem')) process.exitCode = 1
    return { checks: checks.map(({ problem = null, ...check }) => ({ ...check, problem })) }
  }

  async #compare(file: string | undefined): Promise<unknown> {
    const [{ compareFields }, { unsupportedFields }, { formatParity }] = await Promise.all([
      import('../doctor/service-parity.ts'),
      import('../server/unsupported-fields.ts'),
      import('../output/doctor-tables.ts'),
    ])
    const { config } = await this.openProject(file, { isListing: true })
    const [fields, problems] = [compareFields(config), unsupportedFields(config)]
    this.log(formatParity(fields, this.screen))
    if (problems.length > 0) {
      const lines = problems.map(({ where, message }) => `${where}: ${message}`)
      this.log(['', 'Not supported by systemd, so ops install-systemd refuses:', ...lines].join('\n'))
      process.exitCode = 1
    }
    return { fields, problems }
  }
}
