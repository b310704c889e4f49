import type { Command } from '@oclif/core/command'
import { Help } from '@oclif/core/help'

/** oclif's help, and for `ops enqueue <processor>` the columns of the processor's task table as flags. */
export default class OpsHelp extends Help {
  override async showHelp(argv: string[]): Promise<void> {
    const [command, processor] = argv.filter((word) => !word.startsWith('-') && word !== 'help')
    if (command !== 'enqueue' || processor === undefined) return super.showHelp(argv)
    const cached = this.config.findCommand('enqueue', { must: true }) as Command.Loadable
    const { describeProcessor } = await import('./describe-processor.ts')
    await this.showCommandHelp(await describeProcessor(cached, processor))
  }
}
