import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { expected, formatCommand, parseDuration, TaskError } from '@ops-cli/core'
import * as v from 'valibot'
import { duration, type Settings } from './settings.ts'

/** A command whose task has been checked. */
export interface Command {
  /** As a person would type it. */
  readonly line: string
  readonly program: string
  readonly arguments: readonly string[]
  readonly cwd: string
  /** The task's own variables. */
  readonly env: Readonly<Record<string, string>>
  readonly timeout: { readonly text: string; readonly milliseconds: number } | undefined
}

const string = v.pipe(
  v.string(expected('a string')),
  v.check((value) => !value.includes('\0'), expected('a string without null characters')),
)

const list = expected('a list of strings such as ["--all", "two words"]')
const variables = expected('an object of strings such as {"MODE": "full"}')

const columns = {
  command: v.pipe(
    string,
    v.check((value) => value.trim() !== '', expected('a command')),
  ),
  arguments: v.nullish(v.array(v.pipe(v.string(list), string), list)),
  cwd: v.nullish(string),
  env: v.nullish(
    v.record(v.pipe(v.string(), v.regex(/^[^=\0]+$/, variables)), v.pipe(v.string(variables), string), variables),
  ),
  timeout: v.nullish(duration),
}

/** On the command line, an existing folder is relative to the current folder; a task's `cwd` is relative to the project. */
export const input = v.looseObject({
  ...columns,
  cwd: v.pipe(
    columns.cwd,
    v.transform((typed) => (typed && existsSync(typed) ? resolve(typed) : typed)),
  ),
})

/**
 * Checks a task and makes a command of it. A row that was inserted with SQL has not been checked before.
 *
 * @throws TaskError
 */
export function parseTask(
  task: Readonly<Record<keyof typeof columns, unknown>>,
  settings: Settings,
  projectDirectory: string,
): Command {
  const checked = v.safeParse(v.object(columns), task)
  if (!checked.success) {
    const { path, message } = checked.issues[0]
    throw new TaskError(`"${path?.[0]?.key}": ${message}`, { isFinal: true })
  }
  const { command, arguments: args, cwd, env, timeout } = checked.output
  return {
    line: args ? formatCommand(command, ...args) : command,
    ...(args ? { program: command, arguments: args } : { program: settings.shell, arguments: ['-c', command] }),
    cwd: findFolder(resolve(projectDirectory, cwd ?? '.')),
    env: env ?? {},
    timeout: shortest(timeout, settings.timeout),
  }
}

/** Checked here because the system reports a missing working directory as a missing program. */
function findFolder(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats?.isDirectory()) return path
  const problem = stats ? 'is not a directory' : 'does not exist'
  throw new TaskError(`working directory ${path} ${problem}; create it or change "cwd"`)
}

function shortest(...texts: readonly (string | null | undefined)[]): Command['timeout'] {
  return texts
    .filter((text) => typeof text === 'string')
    .map((text) => ({ text, milliseconds: parseDuration(text, 'timeout') }))
    .sort((a, b) => a.milliseconds - b.milliseconds)[0]
}
