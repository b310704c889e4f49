import type { Command } from '@oclif/core/command'
import { CLIError } from '@oclif/core/errors'
import { Help } from '@oclif/core/help'
import { unknownCommand } from './command-not-found.ts'

/** What `ops --help` lists under which heading, in this order. Commands of plugins name their group themselves. */
const groups: Readonly<Record<CommandGroup, readonly string[]>> = {
  Run: ['start-services', 'worker', 'run', 'status', 'logs', 'restart', 'stop-services'],
  Tasks: ['enqueue', 'tasks', 'schedules', 'hold', 'unhold', 'holds', 'audit', 'prune'],
  Project: ['init', 'migrate', 'generate', 'env', 'doctor'],
  Server: ['install-systemd', 'uninstall-systemd'],
  Plugins: ['plugins', 'processors'],
}

export type CommandGroup = 'Run' | 'Tasks' | 'Project' | 'Server' | 'Plugins'

interface Entry {
  readonly name: string
  readonly group: CommandGroup
  readonly summary: string
}

/** Help with the commands in groups, and for `ops enqueue <processor>` with the columns of its task table as flags. */
export default class OpsHelp extends Help {
  override async showHelp(argv: string[]): Promise<void> {
    const words = argv.filter((word) => !word.startsWith('-') && word !== 'help')
    const [command, processor] = words
    if (command === 'enqueue' && processor !== undefined) {
      const cached = this.config.findCommand('enqueue', { must: true }) as Command.Loadable
      const { describeProcessor } = await import('./describe-processor.ts')
      return this.showCommandHelp(await describeProcessor(cached, processor))
    }
    try {
      await super.showHelp(argv)
    } catch (error) {
      // The only error of its own is that there is no such command.
      throw error instanceof CLIError ? unknownCommand(words.join(':'), this.config) : error
    }
  }

  override async showRootHelp(): Promise<void> {
    const { bin } = this.config
    this.log(`${this.formatRoot()}\n`)
    const { disabledCommands } = await import('./disabled-commands.ts')
    const entries = this.#entries(await disabledCommands(this.config))
    const width = Math.max(...entries.map(({ name }) => name.length))
    for (const group of Object.keys(groups)) {
      const rows = entries
        .filter((entry) => entry.group === group)
        .map(({ name, summary }): [string, string] => [name.padEnd(width), summary])
      const list = this.renderList(rows, { indentation: 2, spacer: '\n', stripAnsi: this.opts.stripAnsi ?? false })
      if (rows.length > 0) this.log(`${this.section(group.toUpperCase(), list)}\n`)
    }
    this.log(`See the arguments, flags and subcommands of a command: ${bin} <command> --help`)
  }

  override formatRoot(): string {
    const { bin, pjson } = this.config
    return `${pjson.description}\n\n${this.section('USAGE', `$ ${bin} <command> [arguments] [flags]`)}`
  }

  override formatCommand(command: Command.Loadable): string {
    const { description = '' } = command
    return super.formatCommand({
      ...command,
      // It is the title already.
      summary: undefined,
      description: reflowed(description),
      flags: mapValues(command.flags, (flag) => withDefault(flag, 'summary')),
      args: mapValues(command.args, (arg) => withDefault(arg, 'description')),
    })
  }

  /** Each command or topic once, without the hidden ones. A topic with one command and nothing else is shown as that command. */
  #entries(hidden: readonly string[]): Entry[] {
    const commands = this.sortedCommands.filter(({ id }) => id !== 'help' && !hidden.includes(id))
    const names = [...new Set(commands.map(({ id }) => (this.opts.all ? id : topicOf(id))))]
    const entries = names.map((name): Entry => {
      const own = commands.find(({ id }) => id === name)
      const below = commands.filter(({ id }) => id.startsWith(`${name}:`))
      const command = own ?? (below.length === 1 ? below[0] : undefined)
      const topic = this.sortedTopics.find((one) => one.name === name)
      return {
        name: (command?.id ?? name).replaceAll(':', ' '),
        group: groupOf(topicOf(name), command),
        summary: command ? (this.summary(command) ?? '') : (topic?.description ?? ''),
      }
    })
    const order = Object.values(groups).flat()
    // Names that are not in the order come last.
    const placeOf = ({ name }: Entry) => [...order, topicOf(name)].indexOf(topicOf(name))
    return entries.sort((a, b) => placeOf(a) - placeOf(b))
  }
}

function groupOf(name: string, command: Command.Loadable | undefined): CommandGroup {
  const found = Object.entries(groups).find(([, names]) => names.includes(name))?.[0]
  const { group = 'Plugins' } = (command ?? {}) as { group?: string }
  return (found ?? (group in groups ? group : 'Plugins')) as CommandGroup
}

/** `tasks` of `tasks show` or `tasks:show`. */
function topicOf(id: string): string {
  return id.split(/[: ]/, 1)[0]!
}

/** With the default behind the text, where that of a column and of a computed one are too. */
function withDefault<Input extends { default?: unknown }, Key extends string>(
  input: Input & { readonly [key in Key]?: string | undefined },
  key: Key,
): Input {
  const value: unknown = input.default
  if (typeof value !== 'string' && typeof value !== 'number') return input
  return { ...input, default: undefined, [key]: `${input[key] ?? ''} [default: ${value}]`.trim() }
}

function mapValues<Value>(
  values: Readonly<Record<string, Value>>,
  map: (value: Value) => Value,
): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, map(value)]))
}

/** Without the line breaks of the source, which would stand beside those of the terminal. */
function reflowed(description: string): string {
  return description.replaceAll(/(?<=\S)\n(?![\s*-])/g, ' ')
}
