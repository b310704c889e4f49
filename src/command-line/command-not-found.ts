import type { Hook } from '@oclif/core/hooks'

/** The exit status of a shell for a command that does not exist. */
const NOT_FOUND = 127

/** Names the command that was most likely meant. It never runs it: what was typed may not be what was meant. */
const hook: Hook.CommandNotFound = async ({ id, config }) => {
  const { nearest } = await import('../errors.ts')
  const typed = id.replaceAll(':', ' ')
  const ids = [...config.commandIDs, ...config.topics.map(({ name }) => name)].map((known) =>
    known.replaceAll(':', ' '),
  )
  // With a space between topics, the arguments behind a mistyped command look like more of its name.
  const meant = nearest(typed, ids) ?? nearest(typed.split(' ')[0]!, ids)
  const suggestions = [
    ...(meant === undefined ? [] : [`did you mean "${config.bin} ${meant}"?`]),
    `see all commands: ${config.bin} --help`,
  ]
  const { CLIError } = await import('@oclif/core/errors')
  const text = `"${typed.split(' ')[0]}" is no command of ${config.bin}.`
  throw Object.assign(new CLIError(text, { exit: NOT_FOUND }), { code: 'UNKNOWN_COMMAND', suggestions })
}

export default hook
