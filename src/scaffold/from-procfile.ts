import { type Draft, DraftMaker, type Surroundings } from './draft.ts'

/** foreman's: the first process has this port, and each further one a hundred more. */
const firstPort = 5000
const portStep = 100

/** Reads a Procfile by the rules of foreman; what Heroku does with `release` is a oneshot. */
export function fromProcfile(text: string, { has, env }: Surroundings): Draft {
  const draft = new DraftMaker()
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#'))
  let process = 0
  for (const line of lines) {
    const [, name, command] = /^([A-Za-z0-9_-]+)\s*:\s*(.+?)\s*$/.exec(line) ?? []
    if (name === undefined || command === undefined) {
      draft.note(`a line is not of the form "name: command": ${line.trim()}`)
      continue
    }
    const port = Number(env?.PORT ?? firstPort) + portStep * process
    process += 1
    draft.add(name, {
      command,
      ...(name === 'release' && { oneshot: true }),
      ...((name === 'web' || /\$\{?PORT\b/.test(command)) && { port }),
      ...(has('.env') && { envFile: '.env' }),
    })
  }
  return draft.finish()
}
