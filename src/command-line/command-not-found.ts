import type { Hook } from '@oclif/core/hooks'
import { exitStatus, nearest, OpsError } from '../errors.ts'

/** Names the command that was most likely meant. It never runs it: what was typed may not be what was meant. */
const hook: Hook.CommandNotFound = async ({ id, config }) => {
  throw unknownCommand(id, config)
}

export default hook

interface KnownCommands {
  readonly bin: string
  readonly commandIDs: readonly string[]
  readonly topics: readonly { readonly name: string }[]
}

export function unknownCommand(id: string, { bin, commandIDs, topics }: KnownCommands): OpsError {
  const ids = [...commandIDs, ...topics.map(({ name }) => name)].map((known) => known.replaceAll(':', ' '))
  const typed = id.replaceAll(':', ' ')
  // With a space between topics, the arguments behind a mistyped command look like more of its name.
  const [first = '', second] = typed.split(' ')
  const isTopic = second !== undefined && ids.some((known) => known.startsWith(`${first} `))
  if (!isTopic && second !== undefined && ids.includes(first)) {
    return new OpsError('UNEXPECTED_ARGUMENT', `Unexpected argument "${second}".`, {
      exit: exitStatus.usage,
      suggestions: [`${bin} ${first} --help`],
    })
  }
  const name = isTopic ? `${first} ${second}` : first
  const candidates = isTopic ? ids.filter((known) => known.startsWith(`${first} `)) : ids
  const meant =
    nearest(typed, ids) ??
    onlyOneStarting(name, candidates) ??
    nearest(name, candidates) ??
    nearestStart(name, candidates)
  const question = meant === undefined ? '' : ` Did you mean "${meant}"?`
  return new OpsError('UNKNOWN_COMMAND', `Unknown command "${name}".${question}`, {
    exit: exitStatus.usage,
    suggestions: [isTopic ? `${bin} ${first} --help` : `${bin} --help`],
  })
}

function onlyOneStarting(name: string, candidates: readonly string[]): string | undefined {
  const found = candidates.filter((known) => known.startsWith(name))
  return found.length === 1 ? found[0] : undefined
}

/** "strat" is near to "start", and so to "start-services". */
function nearestStart(name: string, candidates: readonly string[]): string | undefined {
  const startOf = (known: string) => known.split('-')[0]!
  const meant = nearest(name, candidates.map(startOf))
  return candidates.find((known) => startOf(known) === meant)
}
