import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { ExecError, TaskContext } from '@ops-cli/core'
import { ProgramError, ProgramMissingError } from './errors.ts'
import { lastLines, logLength, logTail } from './log-tail.ts'

export interface ProgramOptions {
  /** The whole environment of the program, but for what marks the run. */
  readonly env: Readonly<Record<string, string>>
  /** Written to its standard input, which then stays open for as long as the one who started it lives. */
  readonly says?: string
  /** A file that is its standard input. */
  readonly reads?: string
  /** Whether what it prints is wanted; otherwise it goes to the task's log. */
  readonly isAsked?: boolean
}

/**
 * Starts a program, and gives back what it printed where it is asked.
 *
 * @throws ProgramError, ProgramMissingError
 */
export type Runner = (program: string, args: readonly string[], options: ProgramOptions) => Promise<string>

/** Programs of a task, ended with it. What they complain of is in its log. */
export function taskRunner(context: Pick<TaskContext, 'exec' | 'signal' | 'logFile' | 'workDirectory'>): Runner {
  const { exec, signal, logFile } = context
  return async (program, args, { env, says, reads, isAsked }) => {
    const answer = isAsked ? join(context.workDirectory, randomUUID()) : undefined
    const [first, ...rest] = redirected([program, ...args], { answer, reads })
    const from = await logLength(logFile)
    try {
      await exec(first!, rest, {
        env,
        extendEnv: false,
        buffer: false,
        ...(says === undefined ? {} : { input: lifeline(says) }),
      })
      return answer === undefined ? '' : await readFile(answer, 'utf8')
    } catch (error) {
      signal.throwIfAborted()
      const { code, exitCode, signal: endedBy, originalMessage } = error as ExecError
      if (code === 'ENOENT') throw new ProgramMissingError(program, env.PATH)
      throw new ProgramError(
        program,
        { exitCode, signal: endedBy, problem: originalMessage },
        await logTail(logFile, from),
      )
    } finally {
      if (answer !== undefined) await rm(answer, { force: true })
    }
  }
}

/**
 * Programs of nobody's task: of a command, or the last ones of a task that must end.
 *
 * @param until ends them
 * @param log told what they say
 */
export function plainRunner(
  until: AbortSignal,
  log: (text: string) => void = () => {},
  mark: Readonly<Record<string, string>> = {},
): Runner {
  return (program, args, { env, says, reads, isAsked }) =>
    new Promise((resolve, reject) => {
      const [first, ...rest] = redirected([program, ...args], { reads })
      // A group of its own, so that all it starts can be ended with it.
      const child = spawn(first!, rest, { env: { ...env, ...mark }, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
      const end = () => {
        if (child.pid !== undefined && child.exitCode === null) endGroup(child.pid)
      }
      let out = ''
      let complaints = ''
      child.stdin.on('error', () => {})
      if (says === undefined) child.stdin.end()
      else child.stdin.write(says)
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        out += text
        if (!isAsked) log(text)
      })
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        complaints += text
        log(text)
      })
      child.on('error', (error: NodeJS.ErrnoException) => {
        until.removeEventListener('abort', end)
        if (error.code === 'ENOENT') reject(new ProgramMissingError(program, env.PATH))
        else reject(new ProgramError(program, { problem: error.message }, []))
      })
      child.on('close', (code, signal) => {
        until.removeEventListener('abort', end)
        if (code === 0) resolve(isAsked ? out : '')
        else if (until.aborted) reject(new ProgramError(program, { problem: 'its time was over' }, []))
        else
          reject(
            new ProgramError(
              program,
              { exitCode: code ?? undefined, signal: signal ?? undefined },
              lastLines(out + complaints),
            ),
          )
      })
      if (until.aborted) end()
      else until.addEventListener('abort', end, { once: true })
    })
}

/** A shell in front that connects files, so that nothing passes through this process. */
function redirected(
  command: readonly string[],
  files: { answer?: string | undefined; reads?: string | undefined },
): readonly string[] {
  const { answer, reads } = files
  if (answer === undefined && reads === undefined) return command
  const script = `exec "$@"${reads === undefined ? '' : ' < "$IN"'}${answer === undefined ? '' : ' > "$OUT"'}`
  const set = `IN=$1 OUT=$2; shift 2; ${script}`
  return ['/bin/sh', '-c', set, 'sh', reads ?? '', answer ?? '', ...command]
}

/** What is said, and then nothing, until whoever listens has gone. */
function lifeline(text: string): Readable {
  const stream = new Readable({ read() {} })
  stream.push(text)
  return stream
}

function endGroup(pid: number): void {
  for (const [signal, after] of [
    ['SIGTERM', 0],
    ['SIGKILL', 1000],
  ] as const) {
    setTimeout(() => {
      try {
        process.kill(-pid, signal)
      } catch {
        // It has gone.
      }
    }, after).unref()
  }
}
