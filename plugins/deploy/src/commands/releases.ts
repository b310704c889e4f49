import { Args, OpsCommand } from '@ops-cli/core/command'

export default class ReleasesCommand extends OpsCommand {
  static override summary = 'List the releases of an environment, the newest first.'

  static override group = 'Server' as const

  static override examples = [
    '<%= config.bin %> <%= command.id %> production',
    '<%= config.bin %> <%= command.id %> production --json',
  ]

  static override args = {
    environment: Args.string({ required: true, description: 'an environment of the settings, such as staging' }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(ReleasesCommand)
    const [{ reachSite }, { releaseFacts, releasesTable }] = await Promise.all([
      import('../reach-site.ts'),
      import('../releases-table.ts'),
    ])
    const project = await this.openProject(flags.config)
    const { settings } = await project.processor('deploy')
    const site = reachSite(args.environment, settings, project.directory)
    const releases = await site.target.list()
    const facts = releaseFacts(releases)
    const where = `${site.name} (${site.target.name})`
    this.log(
      facts.length > 0 ? releasesTable(facts, new Date(), this.screen) : `There are no releases in ${where} yet.`,
    )
    return { environment: site.name, target: site.target.name, current: releases.current ?? null, releases: facts }
  }
}
