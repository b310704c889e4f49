import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'

export default class Hold extends OpsCommand {
  static override summary = 'Keep tasks back: none that needs this key begins.'

  static override description =
    `A key is what tasks are exclusive by, and a value: "environment:production". "processor:build" keeps every build
back. What is ongoing under the key finishes; what waits stays pending until the key is released.`

  static override examples = [
    '<%= config.bin %> <%= command.id %> environment:production --reason "the sale is on"',
    '<%= config.bin %> <%= command.id %> processor:build',
  ]

  static override args = {
    key: Args.string({ required: true, description: 'what to hold, such as environment:production' }),
  }

  static override flags = {
    reason: Flags.string({ summary: 'why, for whoever finds the tasks waiting', helpValue: '<text>' }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Hold)
    const { hold } = await import('../tasks/hold.ts')
    const project = await this.openProject(flags.config)
    const { hold: taken, processors, ongoing } = await hold(project, args.key, flags.reason)
    this.log(`${taken.key} is held: ${inWords(processors)} under it begins.`)
    for (const task of ongoing) this.log(`${task} is ongoing under it and finishes.`)
    this.log(`Release it with: ops unhold ${taken.key}`)
    return { ...taken, processors, ongoing }
  }
}

/** `no build`, `no build and no deploy`, `no build, no deploy and no rollback`. */
function inWords(processors: readonly string[]): string {
  const each = processors.map((name) => `no ${name}`)
  return [each.slice(0, -1).join(', '), each.at(-1)].filter(Boolean).join(' and ')
}
