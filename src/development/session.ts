import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { FileLock } from '../platform/file-lock.ts'
import { bootId } from '../platform/proc.ts'
import { endGroups, groupLedBy, isStillRunning } from '../platform/process-group.ts'
import { ServicesRunError, StateDirectoryUnusableError } from './service-errors.ts'
import { readSessionRecord, removeSessionRecord, type SessionRecord, writeSessionRecord } from './session-record.ts'

/** Time for what a killed session has left behind to end by itself. */
const leftoverGraceMs = 10_000

/** The one `ops start-services` of a project that may run, from its start to its end. */
export class Session {
  /** Where other terminals reach it; in a folder that only this user can open. */
  readonly socket: string
  readonly #stateDirectory: string
  readonly #lock: FileLock
  readonly #startedAt = new Date().toISOString()
  readonly #boot = bootId()

  private constructor(stateDirectory: string, lock: FileLock) {
    this.#stateDirectory = stateDirectory
    this.#lock = lock
    // Not in the project: the path of a socket has a length at most, and some file systems have none.
    const directory = mkdtempSync(join(tmpdir(), 'ops-control-'))
    chmodSync(directory, 0o700)
    this.socket = join(directory, 'socket')
    this.#write([], undefined)
  }

  /**
   * @param abort ends the wait for what a killed session has left behind
   * @throws ServicesRunError when another one runs in this project, StateDirectoryUnusableError
   */
  static async begin(stateDirectory: string, tell: (text: string) => void, abort: AbortSignal): Promise<Session> {
    const lock = beginWith(stateDirectory, () => FileLock.take(join(stateDirectory, 'services.lock')))
    const before = readSessionRecord(stateDirectory)
    if (lock === undefined) throw new ServicesRunError(before)
    try {
      if (before !== undefined) await endLeftovers(before, tell, abort)
      return beginWith(stateDirectory, () => new Session(stateDirectory, lock))
    } catch (error) {
      lock.release()
      throw error
    }
  }

  /** Told of each change of the process groups that there are. */
  record(groups: readonly { name: string; group: number }[], guardian: number | undefined): void {
    try {
      this.#write(groups, guardian)
    } catch {
      // The disk is full, say. Services go on, and who asks still finds the socket in what was written before.
    }
  }

  #write(groups: readonly { name: string; group: number }[], guardian: number | undefined): void {
    writeSessionRecord(this.#stateDirectory, {
      pid: process.pid,
      startedAt: this.#startedAt,
      socket: this.socket,
      boot: this.#boot,
      guardian: guardian === undefined ? undefined : groupLedBy(guardian),
      groups: groups.map(({ name, group }) => ({ name, ...groupLedBy(group) })),
    })
  }

  end(): void {
    removeSessionRecord(this.#stateDirectory)
    rmSync(dirname(this.socket), { recursive: true, force: true })
    this.#lock.release()
  }
}

/** @throws StateDirectoryUnusableError */
function beginWith<Made>(stateDirectory: string, make: () => Made): Made {
  try {
    return make()
  } catch (error) {
    throw new StateDirectoryUnusableError(stateDirectory, error as Error)
  }
}

/** A killed session has a guardian that stops its services; where that was killed too, they are still there. */
async function endLeftovers(record: SessionRecord, tell: (text: string) => void, abort: AbortSignal): Promise<void> {
  rmSync(dirname(record.socket), { recursive: true, force: true })
  if (record.boot !== bootId()) return
  const left = () => record.groups.filter(isStillRunning)
  const names = () => left().map(({ name, id }) => `${name} (${id})`)
  if (record.guardian !== undefined && isStillRunning(record.guardian)) {
    tell(`The services of an earlier start are still being stopped: ${names().join(', ')}. Waiting for them.`)
    while (isStillRunning(record.guardian)) await sleep(100, undefined, { signal: abort })
  }
  if (left().length === 0) return
  tell(`An earlier start was killed, and has left behind: ${names().join(', ')}. Ending what is left.`)
  await endGroups(
    left().map(({ id }) => id),
    leftoverGraceMs,
  )
}
