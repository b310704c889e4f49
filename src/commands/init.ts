import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'
import type { InitializedProject } from '../scaffold/init-project.ts'

export default class Init extends OpsCommand {
  static override summary = 'Create a configuration from a Procfile, Compose file or package.json.'

  static override description =
    `Imports the services from a Procfile, a pm2 ecosystem.config.js, a Compose file (services that have a command)
or the scripts in package.json, whichever comes first and declares any. Without one, creates an example to fill in.`

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --from docker-compose.yml',
  ]

  static override flags = {
    from: Flags.string({ summary: 'file to import services from [default: detected]', helpValue: '<file>' }),
    force: Flags.boolean({ char: 'f', summary: 'replace the existing configuration, and keep it as *.old' }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Init)
    const { initProject } = await import('../scaffold/init-project.ts')
    const project = await initProject(process.cwd(), { from: flags.from, isForced: flags.force })
    for (const line of linesOf(project)) this.log(line)
    return project
  }
}

function linesOf({ file, source, services, notes, isIgnored }: InitializedProject): string[] {
  const what =
    source === undefined
      ? 'an example to fill in'
      : `the ${services.length === 1 ? 'service' : 'services'} of ${source}: ${services.join(', ')}`
  return [
    `Created ${file} with ${what}.`,
    ...notes.map((note) => `- ${note}`),
    ...(isIgnored ? ['Added .ops, the state directory, to .gitignore.'] : []),
    source === undefined ? 'Next: ops start-services' : 'Next: review it, then ops start-services',
  ]
}
