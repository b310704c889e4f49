import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { execa } from 'execa'

/** What npm answered: its JSON, or why it could not. */
export type NpmResult =
  | { readonly isDone: true; readonly value: unknown }
  | { readonly isDone: false; readonly code: string; readonly summary: string; readonly detail: string }

/** What an operator may set for npm stays set: registry, proxy, certificates, credentials. This is what ops decides. */
const decided = [
  '--json',
  '--global=false',
  '--workspaces=false',
  // ops gives plugins its own copy of what they name as peers; npm would bring all of ops again.
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

/** A look at the registry that takes longer than this is none. npm alone would wait for over a minute. */
const probing = ['--fetch-retries=0', '--fetch-timeout=8000']

/** The registry has just answered, so that a hiccup is worth another try. */
const fetching = [
  '--fetch-retries=2',
  '--fetch-retry-mintimeout=500',
  '--fetch-retry-maxtimeout=2000',
  '--fetch-timeout=120000',
]

/** Runs the npm that ops depends on, which is there without a PATH, in the folder of a package. */
export async function npm(
  args: readonly string[],
  options: { cwd: string; allowScripts: boolean; isProbe?: boolean; env?: Readonly<Record<string, string>> },
): Promise<NpmResult> {
  const { cwd, allowScripts, isProbe = false, env = {} } = options
  const program = join(dirname(createRequire(import.meta.url).resolve('npm/package.json')), 'bin', 'npm-cli.js')
  const patience = isProbe ? probing : fetching
  const scripts = `--ignore-scripts=${!allowScripts}`
  const registry = process.env.OPS_NPM_REGISTRY ? [`--registry=${process.env.OPS_NPM_REGISTRY}`] : []
  const { stdout, stderr, exitCode } = await execa(
    process.execPath,
    [program, ...args, ...decided, ...patience, ...registry, scripts, `--prefix=${cwd}`],
    { cwd, env: { ...environment(), ...env }, stdin: 'ignore', reject: false },
  )
  const value = parsed(stdout)
  if (exitCode === 0) return { isDone: true, value }
  const { error } = (value ?? {}) as { error?: { code?: unknown; summary?: unknown; detail?: unknown } }
  const said = stderr.split('\n').map((line) => line.replace(/^npm error ?/, '').trim())
  return {
    isDone: false,
    code: String(error?.code ?? ''),
    summary: String(error?.summary ?? said.find((line) => line !== '') ?? `npm exited with ${exitCode}`),
    detail: String(error?.detail ?? ''),
  }
}

/** git and ssh must not ask for a password that nobody types. */
export function environment(): NodeJS.ProcessEnv {
  return {
    GIT_TERMINAL_PROMPT: '0',
    GIT_SSH_COMMAND: process.env.GIT_SSH_COMMAND ?? 'ssh -o BatchMode=yes -o ConnectTimeout=10',
    PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`,
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
