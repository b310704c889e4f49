import type { Hook } from '@oclif/core/hooks'

/** The exit status of a shell for a command that does not exist. */
const NOT_FOUND = 127

/** Names the command that was most likely meant. It never runs it: what was typed may not be what was meant. */
const hook: Hook.CommandNotFound = async ({ id: asked, config }) => {
  const { nearest } = await import('../errors.ts')
  const typed = asked.replaceAll(':', ' ')
  const ids = [...config.commandIDs, ...config.topics.map(({ name }) => name)].map((known) =>
    known.replaceAll(':', ' '),
  )
  // With a space between topics, the arguments behind a mistyped command look like more of its name.
  const [first = '', second] = typed.split(' ')
  const isTopic = second !== undefined && ids.includes(first)
  const name = isTopic ? `${first} ${second}` : first
  const meant = nearest(typed, ids) ?? nearest(name, isTopic ? ids.filter((id) => id.startsWith(`${first} `)) : ids)
  const suggestions = [
    ...(meant === undefined ? [] : [`did you mean "${config.bin} ${meant}"?`]),
    isTopic ? `see its commands: ${config.bin} ${first} --help` : `see all commands: ${config.bin} --help`,
  ]
  const { CLIError } = await import('@oclif/core/errors')
  const text = `"${name}" is no command of ${config.bin}.`
  throw Object.assign(new CLIError(text, { exit: NOT_FOUND }), { code: 'UNKNOWN_COMMAND', suggestions })
}

export default hook
