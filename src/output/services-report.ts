import { styleText } from 'node:util'
import type { ServiceReport, ServiceState } from '../development/service-report.ts'
import { formatClock } from '../format.ts'
import { lastLine, prefixLines, servicePrefixes } from './service-prefix.ts'
import type { StartList } from './start-list.ts'
import { stoppingLine } from './stopping-line.ts'

interface Screen {
  readonly write: (text: string) => void
  readonly isColoured: boolean
  /** Whether each line begins with the time of its arrival. */
  readonly isTimed?: boolean
  /** Shows the start, where the screen can be drawn anew. */
  readonly startList?: StartList | undefined
}

export interface ScreenReport extends ServiceReport {
  /** Writes what has been held back, when nothing more comes. */
  close(): Promise<void>
}

/** Writes what services say and do, each line behind its service's name; ops itself speaks as `ops`. */
export function servicesReport(
  names: readonly string[],
  { write, isColoured, isTimed, startList }: Screen,
): ScreenReport {
  const prefixes = servicePrefixes([...names, 'ops'], isColoured)
  // While the list is drawn, other lines would tear it; they follow when it is finished.
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
  let looks = 0

  return {
    output(service, text) {
      if (held !== undefined) startList?.output(service, lastLine(text))
      put(service, text)
    },
    state(service, state, detail) {
      if (held !== undefined) {
        startList?.state(service, state, detail)
        if (state === 'stopping' || state === 'failed') startList?.giveUp()
        if (!isTrouble(state)) return
      }
      const text = `${service} ${sentence(state, detail)}`
      say(isColoured ? coloured(state, text) : text)
    },
    stillStopping(services) {
      // Told twice a second. The first line comes when Ctrl-C forces, and where lines stay, one every ten seconds is enough.
      looks += 1
      if (services.length > 0 && (looks === 3 || looks % 20 === 0)) say(stoppingLine(services))
    },
    async close() {
      startList?.giveUp()
      await released
    },
  }
}

function isTrouble(state: ServiceState): boolean {
  return state === 'restarting' || state === 'failed' || state === 'killed'
}

function sentence(state: ServiceState, detail: string | undefined): string {
  switch (state) {
    case 'waiting':
      return `is ${detail}`
    case 'starting':
      return detail === undefined ? 'starts' : `has started, ${detail}`
    case 'started':
      return 'has started'
    case 'ready':
      return 'is ready'
    case 'completed':
      return 'is done'
    case 'restarting':
      return `${detail}`
    case 'ended':
      return `${detail}`
    case 'failed':
      return `failed: ${detail}`
    case 'stopping':
      return 'is asked to stop'
    case 'stopped':
      return 'has stopped'
    case 'killed':
      return 'was killed, it had not stopped in time'
  }
}

function coloured(state: ServiceState, text: string): string {
  const style = { validateStream: false }
  if (state === 'failed' || state === 'killed') return styleText('red', text, style)
  if (state === 'restarting') return styleText('yellow', text, style)
  return styleText(state === 'ready' || state === 'completed' ? 'green' : 'dim', text, style)
}
