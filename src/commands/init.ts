import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'

export default class Init extends OpsCommand {
  static override summary = 'Write the configuration of a project.'

  static override description =
    `Takes over the services that are declared here already, in a Procfile, an ecosystem.config.js, a Compose file
(those that have a command) or the scripts of package.json, the first of them that has any. Where there is none, it
writes an example to fill in.`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --from docker-compose.yml',
  ]

  static override flags = {
    from: Flags.string({ summary: 'the file to take services from; found here otherwise', helpValue: '<file>' }),
    force: Flags.boolean({ char: 'f', summary: 'replace the configuration that there is, and keep it as *.old' }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Init)
    const [{ initProject }, { initializedInWords }] = await Promise.all([
      import('../scaffold/init-project.ts'),
      import('../output/initialized.ts'),
    ])
    const initialized = await initProject(process.cwd(), { from: flags.from, isForced: flags.force })
    this.log(initializedInWords(initialized))
    return initialized
  }
}
