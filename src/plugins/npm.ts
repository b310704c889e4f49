import { existsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { execa } from 'execa'
import { OpsError } from '../errors.ts'
import { findNpm } from './find-npm.ts'

export type NpmResult = { readonly isDone: true; readonly value: unknown } | NpmFailure

/** What npm reports about a failure, in its own words. */
export interface NpmFailure {
  readonly isDone: false
  readonly code: string
  readonly summary: string
  readonly detail: string
}

/** The user's settings for npm apply: registry, proxy, certificates, credentials. These are what ops decides. */
const fixedOptions = [
  '--json',
  '--global=false',
  '--workspaces=false',
  // ops gives plugins its own copy of their peers; npm would install all of ops again.
  '--legacy-peer-deps',
  '--omit=dev',
  '--save-exact',
  '--no-audit',
  '--no-fund',
  '--no-update-notifier',
  '--no-progress',
  '--loglevel=error',
  '--logs-max=0',
]

/** Whether the registry answers at all: npm would wait for more than a minute. */
const probeOptions = ['--fetch-retries=0', '--fetch-timeout=8000']

/** The registry has just answered, so a failure is worth a retry. */
const fetchOptions = [
  '--fetch-retries=2',
  '--fetch-retry-mintimeout=500',
  '--fetch-retry-maxtimeout=2000',
  '--fetch-timeout=120000',
]

/** Runs npm in the folder of a package. All options are known to npm 10 and newer. */
export async function npm(
  args: readonly string[],
  options: { cwd: string; allowScripts: boolean; isProbe?: boolean; env?: Readonly<Record<string, string>> },
): Promise<NpmResult> {
  const { cwd, allowScripts, isProbe = false, env = {} } = options
  const network = isProbe ? probeOptions : fetchOptions
  const registry = process.env.OPS_NPM_REGISTRY ? [`--registry=${process.env.OPS_NPM_REGISTRY}`] : []
  const { stdout, stderr, exitCode } = await execa(
    process.execPath,
    [findNpm(), ...args, ...fixedOptions, ...network, ...registry, ...scriptOptions(allowScripts), `--prefix=${cwd}`],
    { cwd, env: { ...npmEnvironment(), ...env }, stdin: 'ignore', reject: false },
  )
  const value = parseJson(stdout)
  if (exitCode === 0) return { isDone: true, value }
  const { error } = (value ?? {}) as { error?: { code?: unknown; summary?: unknown; detail?: unknown } }
  const lines = stderr.split('\n').map((line) => line.replace(/^npm error ?/, '').trim())
  return {
    isDone: false,
    code: String(error?.code ?? ''),
    summary: String(error?.summary ?? lines.find((line) => line !== '') ?? `npm exited with ${exitCode}`),
    detail: String(error?.detail ?? ''),
  }
}

/**
 * npm 10 runs the `prepare` script of a folder or repository in spite of --ignore-scripts. With `true` as the shell, no
 * script does anything. By its absolute path, since a package could bring its own in node_modules/.bin.
 */
function scriptOptions(allowScripts: boolean): string[] {
  if (allowScripts) return ['--ignore-scripts=false']
  const folders = [
    '/bin',
    '/usr/bin',
    ...(process.env.PATH ?? '').split(delimiter).filter((path) => path.startsWith('/')),
  ]
  const noShell = folders.map((folder) => join(folder, 'true')).find((file) => existsSync(file))
  return ['--ignore-scripts=true', ...(noShell === undefined ? [] : [`--script-shell=${noShell}`])]
}

/** git and ssh must not wait for a password. */
export function npmEnvironment(): NodeJS.ProcessEnv {
  return {
    GIT_TERMINAL_PROMPT: '0',
    GIT_SSH_COMMAND: process.env.GIT_SSH_COMMAND ?? 'ssh -o BatchMode=yes -o ConnectTimeout=10',
    PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`,
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function installFailed(plugin: string, problem: string, suggestions: readonly string[] = []): OpsError {
  return notInstalled('PLUGIN_INSTALL_FAILED', plugin, problem, suggestions)
}

export function pluginNotFound(plugin: string, problem: string, suggestions: readonly string[]): OpsError {
  return notInstalled('PLUGIN_NOT_FOUND', plugin, problem, suggestions)
}

function notInstalled(code: string, plugin: string, problem: string, suggestions: readonly string[]): OpsError {
  return new OpsError(code, `Cannot install ${plugin}: ${problem}. Nothing was changed.`, {
    where: plugin,
    suggestions,
  })
}

const unreachable =
  /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENETDOWN|EHOSTUNREACH|EHOSTDOWN|EPIPE|FETCH_ERROR|ERR_SOCKET_TIMEOUT|ERR_.*_TIMEOUT|E50[234])$/

/** Explains a failure of npm to someone who installs a plugin. */
export function npmError(plugin: string, { code, summary, detail }: NpmFailure): OpsError {
  if (unreachable.test(code)) return registryUnreachable(plugin, code, summary)
  switch (code) {
    case 'E404':
      return /^No match(ing version)? found/.test(summary) ? noVersion(plugin) : noPackage(plugin, summary)
    case 'ETARGET':
      return noVersion(plugin)
    case 'E401':
    case 'E403':
    case 'ENEEDAUTH':
      return installFailed(plugin, `the registry denied access (${summary.replace(/\.$/, '')})`, [
        'log in to the registry: npm login, or set a token in ~/.npmrc',
      ])
    case 'EUSAGE':
      return installFailed(plugin, 'package.json and package-lock.json in the plugin folder do not match', [
        'restore both from the repository, or reinstall the plugin by its name',
      ])
    case 'EINTEGRITY':
      return installFailed(plugin, `the download does not match the lock file (${summary})`)
    case 'ENOSPC':
      return installFailed(plugin, 'the disk is full', ['free some space and try again'])
    default:
      return installFailed(plugin, firstLine(detail.includes('error:') ? `${summary}: ${detail}` : summary))
  }
}

function registryUnreachable(plugin: string, code: string, summary: string): OpsError {
  const host = /(?:GET|to|at:?) (https?:\/\/[^/\s]+)/.exec(summary)?.[1]
  const why = code === 'FETCH_ERROR' ? summary.replace(/ at: .*/, '') : code
  const reason = host === undefined ? why : `${host}: ${why}`
  return notInstalled('REGISTRY_UNREACHABLE', plugin, `the registry does not answer (${reason})`, [
    "check the network, and npm's proxy and registry settings",
    'without a network, install a tarball made by npm pack: ops plugins install ./<plugin>.tgz',
  ])
}

function noVersion(plugin: string): OpsError {
  const name = plugin.replace(/(?<=.)@[^/]*$/, '')
  return pluginNotFound(plugin, 'the registry has no such version', [`list the versions: npm view ${name} versions`])
}

function noPackage(plugin: string, summary: string): OpsError {
  const registry = /GET (https?:\/\/[^/\s]+)/.exec(summary)?.[1] ?? 'the registry'
  return pluginNotFound(plugin, `${registry} has no such package, or you have no access to it`, [
    'check the spelling',
    'to install a local package, give a path: ops plugins install ./<folder or tarball>',
  ])
}

function firstLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim())
  return lines.find((line) => line !== '')!.replace(/\.$/, '')
}
