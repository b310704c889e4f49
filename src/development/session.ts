import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { OpsError } from '../errors.ts'
import { formatRelativeTime, formatSystemError } from '../format.ts'
import { FileLock } from '../platform/file-lock.ts'
import { bootId } from '../platform/proc.ts'
import { endGroups, groupLedBy, stillRunning } from '../platform/process-group.ts'
import type { ServiceGroup } from './service-processes.ts'
import { readSessionRecord, removeSessionRecord, type SessionRecord, writeSessionRecord } from './session-record.ts'

/** Between SIGTERM and SIGKILL for what a killed session left behind. */
const LEFTOVER_GRACE_MS = 10_000

/** The one `ops start-services` that a project may run, from its start to its end. */
export class Session {
  /** Where other terminals reach it, in a folder that only this user can open. */
  readonly socket: string
  readonly #stateDirectory: string
  readonly #lock: FileLock
  readonly #startedAt = new Date().toISOString()
  readonly #boot = bootId()

  private constructor(stateDirectory: string, lock: FileLock) {
    this.#stateDirectory = stateDirectory
    this.#lock = lock
    // Not in the project: the path of a socket is limited in length, and some file systems have no sockets.
    const directory = mkdtempSync(join(tmpdir(), 'ops-control-'))
    chmodSync(directory, 0o700)
    this.socket = join(directory, 'socket')
    this.#write([], undefined)
  }

  /**
   * @param options `onWait`: called with what is waited for; `abort`: ends that wait
   * @throws OpsError SERVICES_RUNNING, STATE_DIRECTORY_UNUSABLE
   */
  static async open(
    stateDirectory: string,
    { onWait, abort }: { onWait: (message: string) => void; abort: AbortSignal },
  ): Promise<Session> {
    const lock = withState(stateDirectory, () => FileLock.take(join(stateDirectory, 'services.lock')))
    const before = readSessionRecord(stateDirectory)
    if (lock === undefined) throw alreadyRunning(before)
    try {
      if (before !== undefined) await stopLeftovers(before, onWait, abort)
      return withState(stateDirectory, () => new Session(stateDirectory, lock))
    } catch (error) {
      lock.release()
      throw error
    }
  }

  /** Records the process groups for other terminals, and for the next start when this one is killed. */
  record(groups: readonly ServiceGroup[], guardian: number | undefined): void {
    try {
      this.#write(groups, guardian)
    } catch {
      // The disk may be full. Services go on, and clients find the socket in the earlier record.
    }
  }

  #write(groups: readonly ServiceGroup[], guardian: number | undefined): void {
    writeSessionRecord(this.#stateDirectory, {
      pid: process.pid,
      startedAt: this.#startedAt,
      socket: this.socket,
      boot: this.#boot,
      guardian: guardian === undefined ? undefined : groupLedBy(guardian),
      groups: groups.map(({ name, group }) => ({ name, ...groupLedBy(group) })),
    })
  }

  close(): void {
    removeSessionRecord(this.#stateDirectory)
    rmSync(dirname(this.socket), { recursive: true, force: true })
    this.#lock.release()
  }
}

function withState<Result>(stateDirectory: string, act: () => Result): Result {
  try {
    return act()
  } catch (cause) {
    const message = `Cannot write to the state directory ${stateDirectory}: ${formatSystemError(cause)}.`
    throw new OpsError('STATE_DIRECTORY_UNUSABLE', message, {
      cause,
      suggestions: ['give this user write access', 'set OPS_HOME to another folder'],
    })
  }
}

function alreadyRunning(record: SessionRecord | undefined): OpsError {
  const suggestions = ['ops status', 'ops stop-services']
  if (record === undefined) {
    return new OpsError('SERVICES_RUNNING', 'The services of this project are being started elsewhere.', {
      suggestions,
    })
  }
  const { pid, groups } = record
  const started = formatRelativeTime(new Date(record.startedAt), new Date())
  const names = groups.length === 0 ? 'none is up' : groups.map(({ name }) => name).join(', ')
  const message = `The services of this project are already running (process ${pid}, started ${started}): ${names}.`
  return new OpsError('SERVICES_RUNNING', message, { suggestions })
}

/** A killed session leaves a guardian that stops its services; where that was killed too, they still run. */
async function stopLeftovers(
  record: SessionRecord,
  onWait: (message: string) => void,
  abort: AbortSignal,
): Promise<void> {
  rmSync(dirname(record.socket), { recursive: true, force: true })
  const groups = () => stillRunning(record.groups, record.boot)
  const names = () =>
    groups()
      .map(({ name, id }) => `${name} (${id})`)
      .join(', ')
  const isGuarded = () => record.guardian !== undefined && stillRunning([record.guardian], record.boot).length > 0
  if (isGuarded()) {
    onWait(`Waiting for services of an earlier start to stop: ${names()}.`)
    while (isGuarded()) await sleep(100, undefined, { signal: abort })
  }
  if (groups().length === 0) return
  onWait(`Stopping services left behind by an earlier start that was killed: ${names()}.`)
  await endGroups(
    groups().map(({ id }) => id),
    LEFTOVER_GRACE_MS,
  )
}
