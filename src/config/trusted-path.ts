import { lstatSync, readFileSync, realpathSync, type Stats } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { exitStatus, OpsError } from '../errors.ts'

const STICKY = 0o1000
const GROUP_WRITE = 0o020
const OTHERS_WRITE = 0o002

interface TrustOptions {
  /** What it is, for the message: `configuration`. */
  readonly what: string
  /** How to use it all the same, by its name. */
  readonly byName?: string
  readonly env: NodeJS.ProcessEnv
}

/**
 * Checks a file or folder that was found and not named, before anything in it is used: another user who can write it,
 * or replace it in one of its folders, could run programs as this user. Git does the same (safe.directory).
 *
 * `OPS_TRUST_DIRECTORY` names folders, separated by colons, that are trusted with everything in them; `*` is all.
 *
 * @throws OpsError with the code UNTRUSTED_FOLDER
 */
export function checkTrusted(path: string, { what, byName, env }: TrustOptions): void {
  const found = distrusted(path, env)
  if (found === undefined) return
  const folder = dirname(resolve(path))
  throw new OpsError('UNTRUSTED_FOLDER', `The ${what} ${path} is not used: ${found.why}.`, {
    where: path,
    exit: exitStatus.configuration,
    suggestions: [
      ...(found.isWritable ? [`let only its owner write it: chmod go-w ${found.path}`] : []),
      ...(byName === undefined ? [] : [`if you trust it, name it: ${byName}`]),
      `if you trust the folder, set OPS_TRUST_DIRECTORY=${folder}`,
    ],
  })
}

interface Distrusted {
  readonly path: string
  readonly why: string
  /** Whether it is the modes, which its owner can change. */
  readonly isWritable: boolean
}

/** Why a path is not trusted; undefined where it is. Links are followed, and what they lead to is looked at too. */
export function distrusted(path: string, env: NodeJS.ProcessEnv): Distrusted | undefined {
  // There are no owners on this system.
  if (process.geteuid === undefined) return undefined
  const places = new Set([join(realpathSync(dirname(resolve(path))), basenameOf(path)), realpathSync(path)])
  const isListed = (place: string) => (env.OPS_TRUST_DIRECTORY ?? '').split(':').some((one) => isIn(place, one))
  for (const place of places) {
    const found = isListed(place) ? undefined : examine(place, env)
    if (found) return found
  }
  return undefined
}

function examine(place: string, env: NodeJS.ProcessEnv): Distrusted | undefined {
  for (const path of upwards(place)) {
    const stats = lstatSync(path)
    if (!isOwn(stats.uid, env)) {
      return {
        path,
        why: `${path} belongs to ${userName(stats.uid)}, who could run programs as you`,
        isWritable: false,
      }
    }
    // In a sticky folder, such as /tmp, nobody can replace what belongs to somebody else. But its own files can be added to.
    const isShared = (stats.mode & STICKY) !== 0 && path !== place && path !== dirname(place)
    const who = writers(stats)
    if (who !== undefined && !isShared && !stats.isSymbolicLink()) {
      return { path, why: `${who} can write ${path}, and so run programs as you`, isWritable: true }
    }
  }
  return undefined
}

function* upwards(path: string): Generator<string> {
  yield path
  const parent = dirname(path)
  if (parent !== path) yield* upwards(parent)
}

function isOwn(uid: number, env: NodeJS.ProcessEnv): boolean {
  const own = process.geteuid!()
  // Behind sudo, the person's own files are theirs.
  return uid === 0 || uid === own || (own === 0 && env.SUDO_UID === String(uid))
}

function writers({ mode, uid, gid }: Stats): string | undefined {
  if ((mode & OTHERS_WRITE) !== 0) return 'everyone'
  if ((mode & GROUP_WRITE) === 0 || gid === 0 || isPrivateGroup(gid, uid)) return undefined
  return `the group ${nameIn('/etc/group', gid) ?? gid}`
}

/** Where each user has a group of their own, the usual umask lets that group write. */
function isPrivateGroup(gid: number, uid: number): boolean {
  const owner = nameIn('/etc/passwd', uid)
  const [, , , members = ''] = entries('/etc/group').find(([, , id]) => id === String(gid)) ?? []
  const primary = entries('/etc/passwd').filter(([, , , group]) => group === String(gid))
  const users = new Set([...members.split(',').filter(Boolean), ...primary.map(([name]) => name)])
  return users.size === 0 ? gid === uid : users.size === 1 && owner !== undefined && users.has(owner)
}

function userName(uid: number): string {
  const name = nameIn('/etc/passwd', uid)
  return name === undefined ? `the user ${uid}` : `${name} (user ${uid})`
}

function nameIn(file: string, id: number): string | undefined {
  return entries(file).find(([, , known]) => known === String(id))?.[0]
}

function entries(file: string): string[][] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
  } catch {
    return []
  }
}

function isIn(path: string, folder: string): boolean {
  if (folder === '*') return true
  if (!folder.startsWith('/')) return false
  const rest = relative(realOf(folder), path)
  return rest === '' || !(rest === '..' || rest.startsWith('../'))
}

function realOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

function basenameOf(path: string): string {
  return relative(dirname(resolve(path)), resolve(path))
}
