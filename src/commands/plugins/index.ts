import { OpsCommand } from '../../command-line/ops-command.ts'

export default class Plugins extends OpsCommand {
  static override summary = 'List the plugins, and see to them: install, link, update, uninstall.'

  static override description = `Inside a project, which is a folder with a configuration, plugins belong to the
project and are kept in .ops/plugins; elsewhere to the user. OPS_DATA_DIR names
another folder.`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %>:install ops-plugin-email',
    '<%= config.bin %> <%= command.id %>:link ./my-plugin',
  ]

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Plugins)
    const [{ listPlugins }, { pluginsTable }, { knownPlugins }] = await Promise.all([
      import('../../plugins/list-plugins.ts'),
      import('../../output/plugin-sheet.ts'),
      import('../../command-line/known-plugins.ts'),
    ])
    const project = await this.openProject(flags.config, { isListing: true })
    const known = knownPlugins(flags.config)
    const listed = await listPlugins(project, known)
    this.log(pluginsTable(listed, this.screen))
    return { ...known.folder, ...listed }
  }
}
