import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'

export default class Hold extends OpsCommand {
  static override summary = 'Pause tasks that need a key.'

  static override description =
    `A key is a name and a value that only one running task may hold, such as "environment:production". "processor:build"
pauses every build. Tasks that have started finish; the others stay pending until the key is released.`

  static override examples = [
    '<%= config.bin %> <%= command.id %> environment:production --reason "the sale is on"',
    '<%= config.bin %> <%= command.id %> processor:build',
  ]

  static override args = {
    key: Args.string({ required: true, description: 'a key, such as environment:production' }),
  }

  static override flags = {
    reason: Flags.string({ summary: 'reason to show for the waiting tasks', helpValue: '<text>' }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Hold)
    const { hold } = await import('../tasks/holds.ts')
    const project = await this.openProject(flags.config)
    const { hold: taken, processors, ongoing } = await hold(project, args.key, flags.reason)
    this.logLine(`${taken.key} is on hold: no ${anyOf(processors)} that needs it will start.`)
    for (const task of ongoing) this.logLine(`${task} has started already and will finish.`)
    this.logLine(`Release it: ops unhold ${taken.key}`)
    return { ...taken, processors, ongoing }
  }
}

/** `build`, `build or deploy`, `build, deploy or rollback`. */
function anyOf(names: readonly string[]): string {
  return [names.slice(0, -1).join(', '), names.at(-1)].filter(Boolean).join(' or ')
}
