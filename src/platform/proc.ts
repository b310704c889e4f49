import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'

/*
 * What proc(5) tells about processes. Nothing here throws: processes come and go while they are read, other users'
 * processes hide most of it, and macOS has no /proc. Imports only Node, since the guardian loads it.
 */

export interface ProcessStat {
  /** One letter: `Z` is a process that has ended and whose parent has not read its status. */
  readonly state: string
  readonly parent: number
  readonly group: number
  /** In clock ticks since boot: together with the pid it identifies a process for good. */
  readonly startTime: number
}

/** Undefined when there is no such process, or no /proc. */
export function processStat(pid: number): ProcessStat | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // The second field, a name in parentheses, can itself contain spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0]!, parent: Number(fields[1]), group: Number(fields[2]), startTime: Number(fields[19]) }
}

/** Empty without /proc. */
export function processIds(): number[] {
  return list('/proc').map(Number).filter(Number.isInteger)
}

/** The entries `NAME=value` it was started with. Undefined where this user may not read them. */
export function processEnvironment(pid: number): string[] | undefined {
  return readText(`/proc/${pid}/environ`)?.split('\0')
}

/** One variable it was started with. */
export function processVariable(pid: number, name: string): string | undefined {
  return processEnvironment(pid)
    ?.find((entry) => entry.startsWith(`${name}=`))
    ?.slice(name.length + 1)
}

/** Its command line; empty when unknown. */
export function processCommand(pid: number): string[] {
  return readText(`/proc/${pid}/cmdline`)?.replace(/\0$/, '').split('\0') ?? []
}

/** The name of its program. `comm` alone names a thread, which in Node is "MainThread". */
export function processName(pid: number): string | undefined {
  const [program] = processCommand(pid)
  return program ? basename(program) : readText(`/proc/${pid}/comm`)?.trim()
}

/** What its file descriptors point to: paths, and `socket:[<inode>]`. */
export function openFiles(pid: number): string[] {
  const directory = `/proc/${pid}/fd`
  return list(directory).flatMap((fd) => readLink(`${directory}/${fd}`) ?? [])
}

const LISTEN = '0A'

/** The sockets that listen on a TCP port, as `openFiles` names them. */
export function listeningSockets(port: number): string[] {
  const address = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap((table) => readText(table)?.split('\n') ?? [])
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[1]?.endsWith(address) && columns[3] === LISTEN)
    .map((columns) => `socket:[${columns[9]}]`)
}

/** Identifies this boot of the machine: a pid means nothing after the next one. Undefined without /proc. */
export function bootId(): string | undefined {
  return readText('/proc/sys/kernel/random/boot_id')?.trim()
}

/** The namespace in which this process's pids count. Undefined without /proc. */
export function pidNamespace(): string | undefined {
  return readLink('/proc/self/ns/pid')
}

/** The locks that processes hold on files, one per line of columns. Undefined without /proc. */
export function fileLocks(): string[][] | undefined {
  return readText('/proc/locks')
    ?.split('\n')
    .map((line) => line.trim().split(/\s+/))
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
