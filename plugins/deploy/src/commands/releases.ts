import { Args, OpsCommand } from '@ops-cli/core/command'
import type { Settings } from '../settings.ts'

export default class ReleasesCommand extends OpsCommand {
  static override summary = 'List the releases of an environment, newest first.'

  static override group = 'Server' as const

  static override examples = [
    '<%= config.bin %> <%= command.id %> production',
    '<%= config.bin %> <%= command.id %> production --json',
  ]

  static override args = {
    environment: Args.string({ required: true, description: 'environment of the settings, such as staging' }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(ReleasesCommand)
    const [{ readOnlyEnvironment }, { releaseDetails, releasesTable }] = await Promise.all([
      import('../environment.ts'),
      import('../releases-table.ts'),
    ])
    const project = await this.openProject(flags.config)
    const { settings } = await project.processor('deploy')
    const { name, target } = readOnlyEnvironment(args.environment, settings as Settings, project.directory)
    const releases = await target.list()
    const details = releaseDetails(releases)
    this.log(
      details.length > 0 ? releasesTable(details, new Date(), this.screen) : `No releases in ${name} (${target.name}).`,
    )
    return { environment: name, target: target.name, current: releases.current ?? null, releases: details }
  }
}
