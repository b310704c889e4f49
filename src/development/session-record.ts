import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { RecordedGroup } from '../platform/process-group.ts'
import { writeJson } from '../platform/write-file.ts'

/** What is recorded about running services, for other terminals and for the next start when ops was killed. */
export interface SessionRecord {
  readonly pid: number
  /** ISO 8601. */
  readonly startedAt: string
  /** See control-server.ts. */
  readonly socket: string
  /** The boot during which `guardian` and `groups` were recorded. */
  readonly boot: string | undefined
  readonly guardian: RecordedGroup | undefined
  readonly groups: readonly (RecordedGroup & { readonly name: string })[]
}

function recordFile(stateDirectory: string): string {
  return join(stateDirectory, 'services.json')
}

/** Undefined where nothing runs and nothing was left behind. */
export function readSessionRecord(stateDirectory: string): SessionRecord | undefined {
  try {
    return JSON.parse(readFileSync(recordFile(stateDirectory), 'utf8')) as SessionRecord
  } catch {
    return undefined
  }
}

export function writeSessionRecord(stateDirectory: string, record: SessionRecord): void {
  writeJson(recordFile(stateDirectory), record, { mode: 0o600 })
}

export function removeSessionRecord(stateDirectory: string): void {
  rmSync(recordFile(stateDirectory), { force: true })
}
