import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { unknownName } from '../errors.ts'
import type { Project } from '../project/open-project.ts'
import { type LoggedLine, LogReader, mergeLines } from './log-reader.ts'
import { isInstanceOf } from './planned-service.ts'
import { serviceLogFile, serviceLogsDirectory } from './service-logs.ts'

const POLL_EVERY_MS = 100

interface LogOptions {
  /** Services, or instances of them; all when empty. */
  readonly names: readonly string[]
  /** How many of the last lines of each; all when undefined. */
  readonly lines: number | undefined
}

/**
 * The logged output of services in development, by time.
 *
 * @throws OpsError UNKNOWN_SERVICE
 */
export function readServiceLogs(project: Project, { names, lines }: LogOptions): LoggedLine[] {
  const readers = logsOf(project, names).map((log) => new LogReader(log.name, log.file))
  const read = readers.map((reader) => lastOf([...reader.read(), ...reader.readRest()], lines))
  for (const reader of readers) reader.close()
  return mergeLines(read)
}

/**
 * The same, and then everything new, including from services that had not logged anything before.
 *
 * @throws OpsError UNKNOWN_SERVICE
 */
export async function* followServiceLogs(project: Project, { names, lines }: LogOptions): AsyncGenerator<LoggedLine[]> {
  const readers = new Map<string, LogReader>()
  for (let isFirst = true; ; isFirst = false) {
    const read = logsOf(project, names).map(({ name, file }) => {
      const reader = readers.get(name) ?? new LogReader(name, file)
      readers.set(name, reader)
      return isFirst ? lastOf(reader.read(), lines) : reader.read()
    })
    const added = mergeLines(read)
    if (added.length > 0 || isFirst) yield added
    await sleep(POLL_EVERY_MS)
  }
}

/** The instances that have a log. */
function logsOf({ stateDirectory, config }: Project, names: readonly string[]): { name: string; file: string }[] {
  const directory = serviceLogsDirectory(stateDirectory)
  const logged = filesIn(directory).flatMap((file) => /^(.+)\.log$/.exec(file)?.[1] ?? [])
  const known = new Set([...Object.keys(config.services ?? {}), 'worker', ...logged])
  for (const name of names) if (!known.has(name)) throw unknownName('service', name, [...known])
  return logged
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
