import type { ShownReport } from '../development/start-services.ts'
import { colourDepth } from './colour-depth.ts'
import { jsonReport } from './json-report.ts'
import { servicesReport } from './services-report.ts'

interface ReportOptions {
  readonly out: NodeJS.WriteStream
  readonly env: NodeJS.ProcessEnv
  readonly isJson: boolean
  /** Whether lines begin with the time. */
  readonly isTimed: boolean
}

/** Opens what `start-services` prints: lines of JSON, or a list of the start and then prefixed lines. */
export async function openServicesReport(
  names: readonly string[],
  { out, env, isJson, isTimed }: ReportOptions,
): Promise<ShownReport> {
  const write = (text: string) => out.write(text)
  const interrupted = () => {
    // The terminal has just shown ^C at the start of a line.
    if (out.isTTY) write('\n')
  }
  if (isJson) return { ...jsonReport(write), colourDepth: 1, interrupted, close: async () => {} }
  const depth = colourDepth(out, env)
  // Some terminals, such as those of containers, have no width; a list cut to it would be empty.
  const startList = out.isTTY && out.columns > 0 ? await openStartList(names) : undefined
  const report = servicesReport(names, { write, isColoured: depth > 1, isTimed, startList })
  return { ...report, colourDepth: depth, interrupted }
}

/** listr2 takes a while to import, and is not needed where the output is not a terminal. */
async function openStartList(names: readonly string[]) {
  const { StartList } = await import('./start-list.ts')
  return new StartList(names)
}
