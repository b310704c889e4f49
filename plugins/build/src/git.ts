import type { ExecError, TaskContext } from '@ops-cli/core'
import { GitError, GitMissingError } from './errors.ts'
import { gitEnvironment } from './git-environment.ts'
import { lastLinesSince, logLength } from './log-tail.ts'
import type { Repository } from './repository.ts'
import type { Settings } from './settings.ts'

/** git, for one task and one repository. Both throw a GitError with git's own complaint. */
export interface Git {
  /** Does something that may take long, and says so in the task's log. */
  run(...args: string[]): Promise<void>
  /** Looks something up: what git printed. */
  ask(...args: string[]): Promise<string>
}

/** Binds git to a task's log, signal and folder, and to the few variables it needs for this repository. */
export function gitFor(repository: Repository, context: TaskContext<Settings>): Git {
  const { log, signal, logFile, workDirectory: cwd } = context
  const env = gitEnvironment(process.env, context.settings, { isLocal: repository.path !== undefined, cwd })
  const withoutPassword = (text: string) => text.replaceAll(repository.url, repository.shown)

  async function git(args: readonly string[], { buffer }: { buffer: boolean }): Promise<string> {
    const from = await logLength(logFile)
    try {
      const { stdout } = await context.exec('git', args, { cwd, env, extendEnv: false, buffer })
      return stdout
    } catch (error) {
      signal.throwIfAborted()
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new GitMissingError(env.PATH)
      const complaint = await complaintOf(error as ExecError, () => lastLinesSince(logFile, from))
      throw new GitError(withoutPassword(complaint), { cause: error })
    }
  }

  return {
    ask: (...args) => git(args, { buffer: true }),
    async run(...args) {
      log(`$ git ${withoutPassword(readable(args))}`)
      await git(args, { buffer: false })
    },
  }
}

async function complaintOf(failure: ExecError, readOutput: () => Promise<string[]>): Promise<string> {
  if (failure.exitCode) return complaintIn(await readOutput()) ?? 'git gives no reason'
  return failure.signal ? `git was ended by ${failure.signal}` : (failure.originalMessage ?? 'git could not be run')
}

/** The line of git's output that says what went wrong; the last ones are often advice. */
function complaintIn(lines: readonly string[]): string | undefined {
  const at = lines.findIndex((line) => line.startsWith('fatal: '))
  // This one says nothing; ssh and the server speak before it.
  if (at > 0 && lines[at]!.includes('Could not read from remote repository')) return lines[at - 1]!
  const line = lines[at] ?? lines.findLast((line) => /^(error|remote): /.test(line)) ?? lines.at(-1)
  return line?.replace(/^(fatal|error): /, '')
}

/** As a person would write it: without what is only there for safety. */
function readable(args: readonly string[]): string {
  return args.filter((arg, at) => arg !== '--' && arg !== '--upload-pack' && args[at - 1] !== '--upload-pack').join(' ')
}
