import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export interface PortHolder {
  readonly pid: number
  readonly command: string
  /** Where it belongs to services that ops runs elsewhere. */
  readonly service?: { readonly name: string; readonly config: string } | undefined
}

const listening = '0A'

/** Who listens on a port, where `/proc` tells it and the process may be looked into. */
export function portHolder(port: number): PortHolder | undefined {
  const sockets = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningSockets(table, port)))
  if (sockets.size === 0) return undefined
  const pid = orEmpty(() => readdirSync('/proc')).find((entry) => /^\d+$/.test(entry) && holdsOne(entry, sockets))
  return pid === undefined ? undefined : { pid: Number(pid), command: commandOf(pid), service: serviceOf(pid) }
}

/** The columns of proc(5): `sl local_address rem_address st … inode`, addresses and ports in hexadecimal. */
function listeningSockets(table: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return orEmpty(() => readFileSync(table, 'utf8').split('\n'))
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[1]?.endsWith(wanted) && columns[3] === listening)
    .map((columns) => `socket:[${columns[9]}]`)
}

function holdsOne(pid: string, sockets: ReadonlySet<string>): boolean {
  const directory = `/proc/${pid}/fd`
  return orEmpty(() => readdirSync(directory)).some((fd) =>
    orEmpty(() => [readlinkSync(`${directory}/${fd}`)]).some((target) => sockets.has(target)),
  )
}

function commandOf(pid: string): string {
  const [text = ''] = orEmpty(() => [readFileSync(`/proc/${pid}/cmdline`, 'utf8')])
  return text.replaceAll('\0', ' ').trim() || 'unknown'
}

/** What ops gave it in its environment, which users can read of their own processes. */
function serviceOf(pid: string): PortHolder['service'] {
  const environment = orEmpty(() => readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0'))
  const read = (name: string) => environment.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1)
  const [name, config] = [read('OPS_SERVICE'), read('OPS_CONFIG')]
  return name === undefined || config === undefined ? undefined : { name, config }
}

/** Processes come and go while they are looked at, and those of other users do not show everything. */
function orEmpty<Item>(read: () => Item[]): Item[] {
  try {
    return read()
  } catch {
    return []
  }
}
