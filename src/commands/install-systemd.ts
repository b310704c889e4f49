import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'

export default class InstallSystemd extends OpsCommand {
  static override summary = 'Install the services and the worker on this server, as units of systemd.'

  static override description =
    `Writes one unit for each service, one for the workers, one that migrates the database and a target that groups them;
then starts what is new and restarts what has changed, in order. It shows the plan and asks first. When a unit does not
become ready the earlier state comes back. Again without a change it does nothing.

Root is needed to write to /etc and to ask the machine's systemd; --dry-run, --check, --prefix and --user need none.`

  static override examples = [
    '<%= config.bin %> <%= command.id %> --dry-run',
    'sudo <%= config.bin %> <%= command.id %> --create-user',
    '<%= config.bin %> <%= command.id %> --check',
    '<%= config.bin %> <%= command.id %> --explain',
  ]

  static override flags = {
    'dry-run': Flags.boolean({ summary: 'show the plan and the units, and touch nothing' }),
    check: Flags.boolean({ summary: 'change nothing; exit 1 when the server is not as configured' }),
    explain: Flags.boolean({ summary: 'say what each directive is for, and what is left of the exposure' }),
    yes: Flags.boolean({ char: 'y', summary: 'do not ask' }),
    user: Flags.boolean({ summary: 'install units of your own user, which live on after a logout' }),
    prefix: Flags.string({ summary: 'write below this folder, and start nothing', helpValue: '<folder>' }),
    'create-user': Flags.boolean({ summary: 'make the user that the units run as, where there is none' }),
    'copy-node': Flags.boolean({ summary: 'run the units with a copy of this node, in /usr/local/lib/ops' }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(InstallSystemd)
    const [{ install, isInstalled, planInstallation }, sheets, { mayChangeServer }, { findPluginFolder }] =
      await Promise.all([
        import('../server/install-systemd.ts'),
        import('../output/install-sheet.ts'),
        import('../command-line/may-change-server.ts'),
        import('../plugins/find-plugins.ts'),
      ])
    const project = await this.openProject(flags.config)
    const installation = await planInstallation(project, {
      scope: flags.user ? 'user' : 'system',
      env: process.env,
      configFlag: flags.config,
      cwd: process.cwd(),
      node: process.execPath,
      root: this.config.root,
      version: this.config.version,
      pluginFolder: findPluginFolder({ cwd: process.cwd(), env: process.env, file: flags.config }).path,
      prefix: flags.prefix,
      createUser: flags['create-user'],
      copyNode: flags['copy-node'],
    })
    // The database is the units' from here on, and may have to be moved.
    await project.close()
    const { plan, problems, warnings, hasSystemd } = installation
    for (const warning of warnings) this.warn(warning)
    const result = { ...sheets.planAsJson(plan), problems, warnings, checks: installation.checks }

    if (flags.explain) {
      this.log(sheets.explanation(installation, this.screen))
      return result
    }
    if (flags.check) {
      for (const sentence of plan.drift) this.log(sentence)
      if (plan.drift.length === 0) this.log(`${plan.target} is as configured.`)
      else process.exitCode = 1
      return result
    }
    if (flags['dry-run']) {
      this.log(sheets.planSheet(installation, this.screen))
      this.log(sheets.exposures(installation))
      if (!hasSystemd) this.warn('No systemd answers here, so nothing is known of what runs.')
      for (const problem of [...problems, ...plan.foreign.map((file) => `${file} is there already, and not by ops.`)])
        this.warn(problem)
      this.log(`\n${sheets.unitTexts(installation)}`)
      return result
    }
    if (isInstalled(installation) && flags.prefix === undefined) {
      this.log(`${plan.target} is as configured: nothing to do.`)
      for (const sentence of plan.drift) this.warn(sentence)
      return { ...result, changed: false }
    }
    if (flags.prefix === undefined) {
      this.log(sheets.planSheet(installation, this.screen))
      this.log(sheets.exposures(installation))
      const may = await mayChangeServer({ what: 'ops install-systemd', flags, argv: this.argv, problems, installation })
      if (!may) return { ...result, changed: false }
    }
    await install(installation, {
      prefix: flags.prefix,
      env: process.env,
      report: {
        step: (text) => this.log(text),
        journal: (unit, lines) => this.logToStderr([`The journal of ${unit}:`, ...lines].join('\n  ')),
      },
    })
    this.log(
      flags.prefix === undefined
        ? `${plan.target} is up. See it: systemctl ${flags.user ? '--user ' : ''}list-dependencies ${plan.target}`
        : `Written below ${flags.prefix}; nothing was started.`,
    )
    return { ...result, changed: true }
  }
}
