import { type ImportedServices, ServiceDraft, type SourceFolder } from './service-draft.ts'

/** Prefixes of scripts that each run one program, the most likely for development first. */
const prefixes = ['dev', 'start', 'serve']
/** Scripts that run the whole application; the first that exists. */
const single = ['dev', 'develop', 'serve', 'start']

/** Scripts that end by themselves, or that are not for development. */
const excluded = /(^|[:.-])(prod(uction)?|test|ci|debug|build|lint|once)$/

/** Imports the scripts of a package.json that run the application: `dev:api` and `dev:web`, else `dev`, else `start`. */
export function fromPackageJson(text: string, { has }: SourceFolder): ImportedServices {
  const draft = new ServiceDraft()
  const { scripts = {}, packageManager = '' } = JSON.parse(text) as {
    scripts?: Record<string, string>
    packageManager?: string
  }
  const usable = Object.entries(scripts).filter(([name, script]) => !excluded.test(name) && !runsOps(script))
  const program = programOf(packageManager, has)
  const group = prefixes
    .map((prefix) => usable.filter(([name]) => name.startsWith(`${prefix}:`)))
    .find((scripts) => scripts.length > 0)
  if (group !== undefined) {
    for (const [name, script] of group) draft.add(name.slice(name.indexOf(':') + 1), service(program, name, script))
    return draft.finish()
  }
  const [name] = single.filter((one) => usable.some(([known]) => known === one))
  if (name !== undefined) draft.add('app', service(program, name, scripts[name]!))
  return draft.finish()
}

function runsOps(script: string): boolean {
  return /\bops (start-services|worker)\b/.test(script)
}

function programOf(packageManager: string, has: SourceFolder['has']): string {
  const named = /^(npm|pnpm|yarn|bun)@/.exec(packageManager)?.[1]
  if (named !== undefined) return named
  if (has('pnpm-lock.yaml')) return 'pnpm'
  if (has('yarn.lock')) return 'yarn'
  return has('bun.lock') || has('bun.lockb') ? 'bun' : 'npm'
}

function service(program: string, name: string, script: string) {
  const port = /(?:--port[ =]|-p |\bPORT=)(\d{2,5})\b/.exec(script)?.[1]
  return { command: `${program} run ${name}`, ...(port !== undefined && { port: Number(port) }) }
}
