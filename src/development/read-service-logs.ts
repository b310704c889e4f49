import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Project } from '../project/open-project.ts'
import { LogReader } from './log-reader.ts'
import { type LoggedLine, mergeLines } from './logged-line.ts'
import { isInstanceOf } from './planned-service.ts'
import { UnknownServiceError } from './service-errors.ts'
import { serviceLogFile, serviceLogsDirectory } from './service-logs.ts'

const lookEveryMs = 100

interface Wanted {
  /** Services, or single instances of them; all where it is empty. */
  readonly names: readonly string[]
  /** So many of the last lines of each; undefined for all that there are. */
  readonly lines: number | undefined
}

/**
 * What services have written in development, in the order of time.
 *
 * @throws UnknownServiceError
 */
export function readServiceLogs(project: Project, { names, lines }: Wanted): LoggedLine[] {
  const readers = logsOf(project, names).map((log) => new LogReader(log.name, log.file))
  const read = readers.map((reader) => lastOf([...reader.read(), ...reader.readRest()], lines))
  for (const reader of readers) reader.close()
  return mergeLines(read)
}

/**
 * The same, and then what comes, for as long as anybody asks: also of services that write their first line meanwhile.
 *
 * @throws UnknownServiceError
 */
export async function* followServiceLogs(project: Project, { names, lines }: Wanted): AsyncGenerator<LoggedLine[]> {
  const readers = new Map<string, LogReader>()
  for (let isFirst = true; ; isFirst = false) {
    const read = logsOf(project, names).map(({ name, file }) => {
      const reader = readers.get(name) ?? new LogReader(name, file)
      readers.set(name, reader)
      return isFirst ? lastOf(reader.read(), lines) : reader.read()
    })
    const news = mergeLines(read)
    if (news.length > 0 || isFirst) yield news
    await sleep(lookEveryMs)
  }
}

/** The instances of services that have written something, and their logs. */
function logsOf({ stateDirectory, config }: Project, names: readonly string[]): { name: string; file: string }[] {
  const directory = serviceLogsDirectory(stateDirectory)
  const written = filesIn(directory).flatMap((file) => /^(.+)\.log$/.exec(file)?.[1] ?? [])
  const known = new Set([...Object.keys(config.services ?? {}), 'worker', ...written])
  for (const name of names) if (!known.has(name)) throw new UnknownServiceError(name, [...known])
  return written
    .filter((instance) => names.length === 0 || names.some((name) => isInstanceOf(instance, name)))
    .sort()
    .map((name) => ({ name, file: serviceLogFile(directory, name) }))
}

function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function lastOf(lines: LoggedLine[], count: number | undefined): LoggedLine[] {
  return count === undefined ? lines : count === 0 ? [] : lines.slice(-count)
}
