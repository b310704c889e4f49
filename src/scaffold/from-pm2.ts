import type { Service } from '../config/config.ts'
import { type ImportedServices, ServiceDraft } from './service-draft.ts'

/** The fields of a pm2 application that are read. */
interface Pm2App {
  readonly name?: string
  readonly script: string
  readonly args?: string | readonly string[]
  readonly interpreter?: string
  readonly interpreter_args?: string | readonly string[]
  readonly node_args?: string | readonly string[]
  readonly cwd?: string
  readonly instances?: number | string
  readonly env?: Readonly<Record<string, unknown>>
  readonly env_file?: string
  readonly watch?: boolean | string | readonly string[]
  readonly autorestart?: boolean
  readonly kill_timeout?: number | string
  readonly cron_restart?: string
}

/** Imports the applications that a pm2 ecosystem file exports. */
export function fromPm2(exported: unknown): ImportedServices {
  const draft = new ServiceDraft()
  const { apps = exported } = exported as { apps?: unknown }
  for (const app of [apps].flat() as Pm2App[]) {
    if (typeof app?.script !== 'string') continue
    const name = draft.add(app.name ?? app.script.replace(/^.*\/|\.[a-z]+$/g, ''), serviceOf(app))
    if (app.cron_restart !== undefined)
      draft.note(`${name}: "cron_restart" is not supported; see "schedules" for scheduled tasks`)
    if (instancesOf(app) === undefined && app.instances !== undefined) {
      draft.note(
        `${name}: "instances: ${app.instances}" is not supported, since instances do not share a port; one is started`,
      )
    }
  }
  return draft.finish()
}

function serviceOf(app: Pm2App): Service {
  const env = Object.entries(app.env ?? {}).map(([name, value]) => [name, String(value)] as const)
  const port = Number(env.find(([name]) => name === 'PORT')?.[1])
  const instances = instancesOf(app)
  return {
    command: [...interpreter(app), app.script, ...words(app.args)],
    ...(app.cwd !== undefined && app.cwd !== '.' && app.cwd !== './' && { cwd: app.cwd }),
    env: Object.fromEntries(env.filter(([name]) => name !== 'PORT')),
    ...(app.env_file !== undefined && { envFile: app.env_file }),
    ...(Number.isInteger(port) && port > 0 && { port }),
    ...(instances !== undefined && instances > 1 && { instances }),
    restart: app.autorestart === false ? 'never' : 'always',
    ...(app.kill_timeout !== undefined && { stopTimeout: `${Number(app.kill_timeout)}ms` }),
    ...(app.watch !== undefined && app.watch !== false && { watch: app.watch === true ? ['.'] : [app.watch].flat() }),
  }
}

function interpreter({ script, interpreter: named, interpreter_args, node_args }: Pm2App): string[] {
  if (named === 'none') return []
  if (named !== undefined) return [named, ...words(interpreter_args ?? node_args)]
  if (/\.py$/.test(script)) return ['python3']
  if (/\.sh$/.test(script)) return ['bash']
  return /\.[cm]?[jt]s$/.test(script) ? ['node', ...words(interpreter_args ?? node_args)] : []
}

function words(given: string | readonly string[] = []): string[] {
  return typeof given === 'string' ? given.split(/\s+/).filter((word) => word !== '') : [...given]
}

/** Undefined for `max`, 0 and negative numbers, which depend on the number of CPUs. */
function instancesOf({ instances }: Pm2App): number | undefined {
  const count = Number(instances)
  return Number.isInteger(count) && count > 0 ? count : undefined
}
