import type { ServiceChange } from '../development/service-reporter.ts'
import type { SessionReporter } from '../development/start-services.ts'
import { toProblem } from '../errors.ts'
import { formatClock, terminalJson } from '../format.ts'
import { formatChange } from './format-change.ts'
import { colourDepth, type Style, styled } from './screen.ts'
import { lastLine, prefixLines, servicePrefixes } from './service-lines.ts'
import type { StartList } from './start-list.ts'
import { StoppingLines } from './stopping-lines.ts'

interface ReporterOptions {
  readonly out: NodeJS.WriteStream
  readonly env: NodeJS.ProcessEnv
  readonly isJson: boolean
  /** Whether lines start with the time. */
  readonly isTimed: boolean
}

/** Opens the output of `start-services`: JSON lines, or a list of the start and then prefixed lines. */
export async function openServicesReporter(
  names: readonly string[],
  { out, env, isJson, isTimed }: ReporterOptions,
): Promise<SessionReporter> {
  const write = (text: string) => out.write(text)
  if (isJson) return jsonReporter(write)
  const depth = colourDepth(out, env)
  // Some terminals, such as those of containers, have no width; a list cut to it would be empty.
  const startList = out.isTTY && out.columns > 0 ? await openStartList(names) : undefined
  return linesReporter(names, { write, colourDepth: depth, isTerminal: out.isTTY, isTimed, startList })
}

/** listr2 is slow to import, and needed only at a terminal. */
async function openStartList(names: readonly string[]) {
  const { StartList } = await import('./start-list.ts')
  return new StartList(names)
}

function jsonReporter(write: (text: string) => void): SessionReporter {
  const at = () => new Date().toISOString()
  const rounded = (_: string, value: unknown) => (typeof value === 'number' ? Math.round(value) : value)
  const put = (event: object) => write(`${terminalJson(JSON.stringify({ at: at(), ...event }, rounded))}\n`)
  return {
    colourDepth: 1,
    interrupted() {},
    async close() {},
    output(service, text, stream) {
      const now = at()
      const lines = text.slice(0, -1).split('\n')
      write(lines.map((line) => `${terminalJson(JSON.stringify({ at: now, service, stream, line }))}\n`).join(''))
    },
    changed(service, change) {
      const { state, probe: _, error, ...fields } = { probe: undefined, error: undefined, ...change }
      const detail = formatChange(change)
      const problem = error && toProblem(error)
      put({ service, state, ...fields, ...(problem && { problem }), ...(detail !== state && { detail }) })
    },
    stillStopping: (services) => services.length > 0 && put({ stillStopping: services }),
  }
}

interface LinesOptions {
  readonly write: (text: string) => void
  readonly colourDepth: number
  readonly isTerminal: boolean
  readonly isTimed: boolean
  readonly startList: StartList | undefined
}

/** Each line has the prefix of its service; those of ops itself, the prefix `ops`. */
function linesReporter(names: readonly string[], options: LinesOptions): SessionReporter {
  const { write, isTimed, startList } = options
  const isColoured = options.colourDepth > 1
  const prefixes = servicePrefixes([...names, 'ops'], isColoured)
  // Other lines would tear the list apart, so they are printed after it.
  let held: string[] | undefined = startList === undefined ? undefined : []
  const released = startList?.finished.then(() => {
    write((held ?? []).join(''))
    held = undefined
  })
  const put = (name: string, text: string) => {
    const time = isTimed ? `${formatClock(new Date())} ` : ''
    const lines = prefixLines(`${time}${prefixes.get(name) ?? ''}`, text)
    if (held === undefined) write(lines)
    else held.push(lines)
  }
  const say = (text: string) => put('ops', `${text}\n`)
  const stopping = new StoppingLines(say, { hint: 'press Ctrl-C again to force', quietCalls: 2 })

  return {
    colourDepth: options.colourDepth,
    interrupted() {
      // The terminal has just printed ^C at the start of a line.
      if (options.isTerminal) write('\n')
    },
    output(service, text) {
      if (held !== undefined) startList?.output(service, lastLine(text))
      put(service, text)
    },
    changed(service, change) {
      const { state } = change
      if (held !== undefined) {
        startList?.changed(service, change)
        if (state === 'stopping' || state === 'failed') startList?.finish()
        if (state !== 'restarting' && state !== 'failed' && state !== 'killed') return
      }
      say(styled(`${service} ${formatChange(change)}`, STYLES[state] ?? 'dim', { isColoured }))
    },
    stillStopping: (services) => stopping.show(services),
    async close() {
      startList?.finish()
      await released
    },
  }
}

const STYLES: Readonly<Partial<Record<ServiceChange['state'], Style>>> = {
  failed: 'red',
  killed: 'red',
  restarting: 'yellow',
  ready: 'green',
  completed: 'green',
}
