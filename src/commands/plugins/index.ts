import { OpsCommand } from '../../command-line/ops-command.ts'

export default class Plugins extends OpsCommand {
  static override summary = 'List and manage plugins.'

  static override description = `In a project (a folder with a configuration), plugins belong to the project and
are kept in .ops/plugins; elsewhere they belong to the user. OPS_DATA_DIR sets
another folder.`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> install ops-plugin-email',
    '<%= config.bin %> <%= command.id %> link ./my-plugin',
  ]

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Plugins)
    const [{ listPlugins }, { pluginsTable }, { findPlugins }] = await Promise.all([
      import('../../plugins/list-plugins.ts'),
      import('../../output/plugin-details.ts'),
      import('../../plugins/find-plugins.ts'),
    ])
    const project = await this.openProject(flags.config, { isListing: true })
    const known = findPlugins({ cwd: process.cwd(), env: process.env, file: flags.config })
    const listed = await listPlugins(project, known)
    this.log(pluginsTable(listed, this.screen))
    return { ...known.folder, ...listed }
  }
}
