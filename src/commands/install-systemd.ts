import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'

export default class InstallSystemd extends OpsCommand {
  static override summary = 'Install the services and the worker on this server as systemd units.'

  static override description =
    `Writes a unit for each service, one for the workers, one that migrates the database and a target that groups them.
Then starts new units and restarts changed ones, in order. Shows the plan and asks for confirmation first. If a unit does
not become ready, rolls back to the previous state. Without a change it does nothing.

Must run as root, except with --dry-run, --check, --prefix and --user.`

  static override examples = [
    '<%= config.bin %> <%= command.id %> --dry-run',
    'sudo <%= config.bin %> <%= command.id %> --create-user',
    '<%= config.bin %> <%= command.id %> --check',
    '<%= config.bin %> <%= command.id %> --explain',
  ]

  static override flags = {
    'dry-run': Flags.boolean({ summary: 'show the plan and the units, change nothing' }),
    check: Flags.boolean({ summary: 'change nothing; exit 1 if the server differs from the configuration' }),
    explain: Flags.boolean({ summary: 'explain each directive and the remaining exposure' }),
    yes: Flags.boolean({ char: 'y', summary: 'do not ask for confirmation' }),
    user: Flags.boolean({ summary: 'install user units, which keep running after a logout' }),
    prefix: Flags.string({ summary: 'write the files below this folder, start nothing', helpValue: '<folder>' }),
    'create-user': Flags.boolean({ summary: 'create the user of the units if it does not exist' }),
    'copy-node': Flags.boolean({ summary: 'run the units with a copy of this node in /usr/local/lib/ops' }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(InstallSystemd)
    const [{ install, isInstalled, planInstallation }, output, { confirmServerChange }, { findPluginFolder }] =
      await Promise.all([
        import('../server/install-systemd.ts'),
        import('../output/install-plan.ts'),
        import('../command-line/confirm-server-change.ts'),
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
    // The units use the database from here on, and it may have to move.
    await project.close()
    const { plan, preparations, problems, checks, hasSystemd } = installation
    for (const problem of problems) if (problem.severity === 'warning') this.warn(problem)
    const result = { ...output.planAsJson(plan), preparations, problems, checks }

    if (flags.explain) {
      this.log(output.formatExplanation(installation, this.screen))
      return result
    }
    if (flags.check) {
      for (const { message } of plan.drift) this.log(message)
      // A drop-in is meant to differ.
      if (plan.drift.some(({ severity }) => severity === 'error')) process.exitCode = 1
      else this.log(`${plan.target} is up to date.`)
      return result
    }
    if (flags['dry-run']) {
      this.log(output.formatPlan(installation, this.screen))
      this.log(output.formatExposure(installation))
      if (!hasSystemd) this.warn('systemd does not answer here, so the state of the units is unknown.')
      for (const problem of problems) if (problem.severity === 'error') this.warn(problem)
      this.log(`\n${output.formatUnitFiles(installation)}`)
      return result
    }
    if (isInstalled(installation) && flags.prefix === undefined) {
      this.log(`${plan.target} is up to date.`)
      for (const { message } of plan.drift) this.warn(message)
      return { ...result, changed: false }
    }
    if (flags.prefix === undefined) {
      this.log(output.formatPlan(installation, this.screen))
      this.log(output.formatExposure(installation))
      const command = 'install-systemd'
      const isConfirmed = await confirmServerChange({ command, argv: this.argv, flags, problems, hasSystemd })
      if (!isConfirmed) return { ...result, changed: false }
    }
    await install(installation, {
      prefix: flags.prefix,
      env: process.env,
      onEvent: (event) => {
        const text = output.formatInstallEvent(event)
        if (event.kind === 'journal') this.logToStderr(text)
        else this.log(text)
      },
    })
    this.log(
      flags.prefix === undefined
        ? `${plan.target} is up. List its units: systemctl ${flags.user ? '--user ' : ''}list-dependencies ${plan.target}`
        : `Wrote the files below ${flags.prefix}; nothing was started.`,
    )
    return { ...result, changed: true }
  }
}
