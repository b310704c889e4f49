import { type ImportedServices, ServiceDraft, type SourceFolder } from './service-draft.ts'

/** As in foreman: each further process has a port 100 higher. */
const FIRST_PORT = 5000
const PORT_STEP = 100

/** Imports a Procfile by the rules of foreman. `release`, as on Heroku, is a oneshot. */
export function fromProcfile(text: string, { has, env }: SourceFolder): ImportedServices {
  const draft = new ServiceDraft()
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#'))
  let process = 0
  for (const line of lines) {
    const [, name, command] = /^([A-Za-z0-9_-]+)\s*:\s*(.+?)\s*$/.exec(line) ?? []
    if (name === undefined || command === undefined) {
      draft.note(`skipped a line that is not "name: command": ${line.trim()}`)
      continue
    }
    const port = Number(env?.PORT ?? FIRST_PORT) + PORT_STEP * process
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
