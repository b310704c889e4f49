import { defineProcessor, parseDuration, taskTable } from '@ops-cli/core'
import { input, parseTask } from './command.ts'
import { runCommand } from './run-command.ts'
import { settings } from './settings.ts'

export const commands = taskTable('commands', (column) => ({
  command: column.text().notNull().describe('command line for a shell; with arguments: the program'),
  arguments: column
    .json<readonly string[]>()
    .describe('list of strings such as ["--all", "two words"]; no shell is used'),
  cwd: column.text().describe('working directory [default: the project]'),
  env: column.json<Readonly<Record<string, string>>>().describe('variables such as {"MODE": "full"}'),
  timeout: column.text().describe('time limit such as 10m'),
  exitCode: column.integer().result().describe('exit status; null if a signal ended it'),
  outputTail: column.text().result().describe('last lines of its output'),
}))

/** The worker's own limit comes after the plugin's, because it would end the task without its output. */
const BACKSTOP_MS = 10_000

export default defineProcessor({
  name: 'exec',
  summary: 'Run a command',
  table: commands,
  priority: 100,
  settings,
  input,
  timeout: ({ timeout }) => timeout && withBackstop(timeout),
  taskTimeout: ({ timeout }) => timeout && withBackstop(timeout),

  async perform(task, context) {
    return runCommand(parseTask(task, context.settings, context.projectDirectory), context)
  },
})

function withBackstop(timeout: string): string {
  return `${parseDuration(timeout, 'timeout') + BACKSTOP_MS}ms`
}
