import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../../command-line/ops-command.ts'
import type { Project } from '../../project/open-project.ts'
import type { Task } from '../../tasks/find-task.ts'

export default class TasksLogs extends OpsCommand {
  static override summary = 'Print the log of a task.'

  static override description =
    'Prints the log of the latest attempt: unchanged in a pipe, at a terminal without what would change it. Messages about it go to standard error.'

  static override examples = [
    '<%= config.bin %> <%= command.id %> build 42',
    '<%= config.bin %> <%= command.id %> build 42 --follow',
    '<%= config.bin %> <%= command.id %> build 42 --attempt 1',
  ]

  static override args = {
    processor: Args.string({ required: true, description: 'a processor, such as build' }),
    id: Args.string({ required: true, description: 'the id of the task' }),
  }

  static override flags = {
    follow: Flags.boolean({ char: 'f', summary: 'follow the log until the task has ended', exclusive: ['attempt'] }),
    attempt: Flags.integer({ summary: 'print the log of this attempt', helpValue: '<n>', min: 1 }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TasksLogs)
    const [{ findTask }, { findLog }] = await Promise.all([
      import('../../tasks/find-task.ts'),
      import('../../tasks/task-history.ts'),
    ])
    const project = await this.openProject(flags.config)
    const task = await findTask(project, args.processor, args.id)
    if (flags.follow) await this.#follow(project, task)
    const log = await findLog(project, task, flags.attempt)
    if (!flags.follow) {
      if (log?.bytes === undefined) this.logToStderr(noLog(task.name, log?.attempt))
      else if (!this.jsonEnabled()) await print(log.file)
    }
    if (!this.jsonEnabled()) return undefined
    const { readFile } = await import('node:fs/promises')
    const text = log?.bytes === undefined ? undefined : await readFile(log.file, 'utf8')
    return { task: task.name, attempt: log?.attempt ?? null, file: log?.file ?? null, text: text ?? null }
  }

  async #follow(project: Project, { name, queued, id }: Task): Promise<void> {
    const [{ followTask }, { LogPrinter }] = await Promise.all([
      import('../../tasks/follow-task.ts'),
      import('../../output/task-printer.ts'),
    ])
    const out = this.jsonEnabled() ? process.stderr : process.stdout
    await followTask(project, queued, id, new LogPrinter(name, out, process.stderr))
  }
}

function noLog(task: string, attempt: number | undefined): string {
  return attempt === undefined
    ? `${task} has not started yet, so it has no log.`
    : `No log of attempt ${attempt} of ${task}: it printed nothing, or ran on another machine.`
}

/** As a stream: a log may be long, and is not always text. */
async function print(file: string): Promise<void> {
  const [{ createReadStream }, { finished, pipeline }] = await Promise.all([
    import('node:fs'),
    import('node:stream/promises'),
  ])
  if (!process.stdout.isTTY) return pipeline(createReadStream(file), process.stdout, { end: false })
  const { onWholeLines } = await import('../../development/output-lines.ts')
  const stream = createReadStream(file)
  onWholeLines(stream, (text) => process.stdout.write(text))
  await finished(stream)
}
