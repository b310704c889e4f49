import { lstatSync, readdirSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join, relative } from 'node:path'
import { distrusted } from '../config/trusted-path.ts'
import { toProblem } from '../errors.ts'
import { formatCommand, formatCount } from '../format.ts'
import type { Project } from '../project/open-project.ts'
import { type Check, failed, passed, skipped, warned } from '../queue/check.ts'
import { redactUrl } from '../redact.ts'

/** Checks who else could read or change what ops keeps, or run programs through it. */
export async function checkSecurity(project: Project, pluginFolder: string, env: NodeJS.ProcessEnv): Promise<Check[]> {
  const { file, directory, stateDirectory } = project
  return [
    checkPath('configuration', file ?? directory),
    checkPath('plugins', pluginFolder),
    checkPath('state folder', stateDirectory),
    ...checkModes(stateDirectory),
    ...(await project.queue.checkDatabase('access').catch((error: unknown) => [failed('schema', toProblem(error))])),
    checkDatabaseUrl(env),
    ...checkTrust(env),
    ...checkProcessors(project),
  ]
}

/** Named or listed in OPS_TRUST_DIRECTORY or not: this is about who could change it. */
function checkPath(name: string, path: string): Check {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return skipped(name, `${path} does not exist`)
  const found = distrusted(path, {})
  if (found === undefined) return passed(name, `only its owner can change ${path}`)
  const advice = found.isWritable
    ? `let only its owner write it: ${formatCommand('chmod', 'go-w', found.path)}`
    : 'move it to a folder that belongs to you'
  return warned(name, 'UNTRUSTED_FOLDER', `${found.why[0]!.toUpperCase()}${found.why.slice(1)}.`, advice)
}

/** What others made, such as checkouts and packages, is in folders that nobody else can enter. */
const FOREIGN = /^(cache|plugins|work)\//

const MOST_LOOKED_AT = 10_000

function checkModes(stateDirectory: string): Check[] {
  const name = 'state modes'
  const open: string[] = []
  const foreign: string[] = []
  let left = MOST_LOOKED_AT
  const look = (path: string): void => {
    const stats = lstatSync(path, { throwIfNoEntry: false })
    left -= 1
    if (stats === undefined || stats.isSymbolicLink() || left < 0) return
    const shown = relative(stateDirectory, path) || '.'
    // On a server the group of its user may enter the folder.
    if ((stats.mode & (shown === '.' ? 0o027 : 0o077)) !== 0) open.push(shown)
    if (stats.uid !== 0 && stats.uid !== process.geteuid?.()) foreign.push(shown)
    if (!stats.isDirectory() || FOREIGN.test(`${shown}/`)) return
    for (const entry of readdirSync(path)) look(join(path, entry))
  }
  try {
    look(stateDirectory)
  } catch (error) {
    return [failed(name, toProblem(error))]
  }
  const list = (paths: readonly string[]) => `${paths.slice(0, 3).join(', ')}${paths.length > 3 ? ', …' : ''}`
  return [
    open.length === 0
      ? passed(name, 'nobody else can use the state')
      : warned(
          name,
          'STATE_IS_OPEN',
          `Others can use ${formatCount(open.length, 'path')} of ${stateDirectory}: ${list(open)}.`,
          `close them: ${formatCommand('chmod', '-R', 'go-rwx', stateDirectory)}`,
        ),
    foreign.length === 0
      ? passed('state owner', 'everything belongs to this user or root')
      : warned(
          'state owner',
          'STATE_IS_FOREIGN',
          `${formatCount(foreign.length, 'path')} of ${stateDirectory} belong to another user: ${list(foreign)}.`,
          `take them over: ${formatCommand('sudo', 'chown', '-R', userInfo().username, stateDirectory)}`,
        ),
  ]
}

/** A password in the environment can be read by every program of the same user. */
function checkDatabaseUrl({ OPS_DATABASE_URL: url, PGPASSWORD: password }: NodeJS.ProcessEnv): Check {
  const isVisible = (password ?? '') !== '' || (url !== undefined && redactUrl(url) !== url)
  if (!isVisible) return passed('database password', 'not in the environment')
  const message = 'The password of the database is in the environment, which programs of tasks can read from /proc.'
  return warned(
    'database password',
    'PASSWORD_IN_ENVIRONMENT',
    message,
    'use a password file (~/.pgpass) or peer authentication',
  )
}

function checkTrust({ OPS_TRUST_DIRECTORY: trusted }: NodeJS.ProcessEnv): Check[] {
  if (!trusted?.split(':').includes('*')) return []
  const message = 'OPS_TRUST_DIRECTORY=* uses configurations and plugins of everyone.'
  return [warned('trusted folders', 'EVERYTHING_IS_TRUSTED', message, 'name the folders that you trust')]
}

/** Bundled processors for which a row is a program, by the tables of those rows. */
const RUN_ANYTHING: Readonly<Record<string, string>> = { exec: 'commands', build: 'builds' }

function checkProcessors({ registry }: Project): Check[] {
  const user = userInfo().username
  const found = registry.processors.filter(
    ({ name, plugin }) => plugin.type === 'bundled' && Object.hasOwn(RUN_ANYTHING, name),
  )
  if (found.length === 0) return [passed('processors', 'none runs a program that a row names')]
  return found.map(({ name }) => {
    const table = RUN_ANYTHING[name]!
    const advice = [`let only those insert into "${table}" who may do that, or remove "${name}" from "plugins"`]
    if (user === 'root') advice.push('run the worker as a user of its own: ops install-systemd')
    return warned(`processor ${name}`, 'RUNS_PROGRAMS', `A row of "${table}" runs any program as ${user}.`, ...advice)
  })
}
