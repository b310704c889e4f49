import { defineProcessor, taskTable } from '@ops-cli/core'
import { checkTask, input } from './command.ts'
import { milliseconds } from './duration.ts'
import { runCommand } from './run-command.ts'
import { settings } from './settings.ts'

export const commands = taskTable('commands', (column) => ({
  command: column.text().notNull().describe('a text for a shell; with arguments the program itself'),
  arguments: column.json<readonly string[]>().describe('a list of texts, as in ["--all", "two words"]: no shell then'),
  cwd: column.text().describe("the working directory; else the project's"),
  env: column.json<Readonly<Record<string, string>>>().describe('variables, as in {"MODE": "full"}'),
  timeout: column.text().describe('the longest it may take, such as 10m'),
  exitCode: column.integer().result().describe('its exit status, null when a signal ended it'),
  outputTail: column.text().result().describe('the last lines that it printed'),
}))

/** ops' own limit stands behind the plugin's: it ends a task without a word about its output. */
const BACKSTOP_MS = 60_000

export default defineProcessor({
  name: 'exec',
  summary: 'Run a command',
  table: commands,
  priority: 100,
  settings,
  input,
  timeout: ({ timeout }) => (timeout === undefined ? undefined : `${milliseconds(timeout) + BACKSTOP_MS}ms`),

  async perform(task, context) {
    return runCommand(checkTask(task, context), context)
  },
})
