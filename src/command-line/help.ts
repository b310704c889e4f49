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

  protected override formatCommand(command: Command.Loadable): string {
    const { description } = command
    return super.formatCommand(description === undefined ? command : { ...command, description: reflowed(description) })
  }
}

/** Without the line breaks of the source, which would stand beside those of the terminal. */
function reflowed(description: string): string {
  return description.replaceAll(/(?<=\S)\n(?![\s*-])/g, ' ')
}
