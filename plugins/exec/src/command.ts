import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { TaskError } from '@ops-cli/core'
import * as v from 'valibot'
import { DURATION, milliseconds } from './duration.ts'
import type { Settings } from './settings.ts'

/** What is to be run, checked. */
export interface Command {
  /** As a person would write it. */
  readonly shown: string
  readonly program: string
  readonly arguments: readonly string[]
  readonly cwd: string
  /** The task's own variables. */
  readonly env: Readonly<Record<string, string>>
  readonly timeout: { readonly text: string; readonly milliseconds: number } | undefined
}

const withoutNull = v.pipe(
  v.string(),
  v.check((text) => !text.includes('\0'), 'must not hold a null character'),
)

const list = 'must be a list of texts, as in ["--all", "two words"]'
const variables = 'must be an object of texts, as in {"MODE": "full"}'
const duration = 'must be a duration such as 90s, 10m or 2h'

const columns = {
  command: v.pipe(
    withoutNull,
    v.check((text) => text.trim() !== '', 'must not be empty'),
  ),
  arguments: v.nullish(v.array(v.pipe(v.string(list), withoutNull), list)),
  cwd: v.nullish(withoutNull),
  env: v.nullish(
    v.record(v.pipe(v.string(), v.regex(/^[^=\0]+$/, variables)), v.pipe(v.string(variables), withoutNull), variables),
  ),
  timeout: v.nullish(v.pipe(v.string(duration), v.regex(DURATION, duration))),
}

/** What is typed: a folder that is there is meant from where the person is, not from the project. */
export const input = v.looseObject({
  ...columns,
  cwd: v.pipe(
    columns.cwd,
    v.transform((typed) => (typed && existsSync(typed) ? resolve(typed) : typed)),
  ),
})

/**
 * What a task asks for. Whoever writes the row in SQL was not checked before.
 *
 * @throws TaskError
 */
export function checkTask(
  task: Readonly<Record<keyof typeof columns, unknown>>,
  { settings, env }: { readonly settings: Settings; readonly env: Readonly<Record<string, string>> },
): Command {
  const checked = v.safeParse(v.object(columns), task)
  if (!checked.success) {
    const { path, message } = checked.issues[0]
    throw new TaskError(`"${path?.[0]?.key}" ${message}, and cannot be ${JSON.stringify(path?.[0]?.value)}`, {
      isFinal: true,
    })
  }
  const { command, arguments: args, cwd, env: variables, timeout } = checked.output
  return {
    shown: args ? [command, ...args].map(quoted).join(' ') : command,
    ...(args ? { program: command, arguments: args } : { program: settings.shell, arguments: ['-c', command] }),
    cwd: folder(cwd ?? '.', env.OPS_PROJECT ?? process.cwd()),
    env: variables ?? {},
    timeout: shorter(timeout, settings.timeout),
  }
}

/** The system blames the program when it is the working directory that is not there. */
function folder(path: string, project: string): string {
  const whole = resolve(project, path)
  if (existsSync(whole) && statSync(whole).isDirectory()) return whole
  const problem = existsSync(whole) ? 'is no folder' : 'does not exist'
  throw new TaskError(`the working directory ${whole} ${problem}; make it, or set "cwd" to one that is there`)
}

function shorter(...texts: readonly (string | null | undefined)[]): Command['timeout'] {
  return texts
    .filter((text) => typeof text === 'string')
    .map((text) => ({ text, milliseconds: milliseconds(text) }))
    .sort((a, b) => a.milliseconds - b.milliseconds)[0]
}

/** As it would be typed in a shell, so that it can be tried there. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
