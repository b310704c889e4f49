import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'

/** Another process, spoken to by lines. */
export interface Program {
  readonly pid: number
  /** The next line that it prints; fails with what it complained of when it ends before. */
  line(): Promise<string>
  say(line: string): void
  kill(signal: NodeJS.Signals): void
  /** Its exit code, or the signal that ended it. */
  readonly exit: Promise<number | NodeJS.Signals>
}

/** Starts a program of node by its file, for one test. */
export function startProgram(file: string, ...args: string[]): Program {
  return endWithTest(launch(file, ...args))
}

/** The same for a program of another language. */
export function startProgramWith(interpreter: string, file: string, ...args: string[]): Program {
  return endWithTest(launchWith(interpreter, file, args))
}

function endWithTest(program: Program): Program {
  onTestFinished(async () => {
    program.kill('SIGKILL')
    await program.exit
  })
  return program
}

/** The same for a program that several tests share: whoever launches it kills it. */
export function launch(file: string, ...args: string[]): Program {
  return launchWith(process.execPath, file, args)
}

function launchWith(interpreter: string, file: string, args: readonly string[]): Program {
  const child = spawn(interpreter, [file, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  let complaints = ''
  child.stderr.on('data', (text) => {
    complaints += text
  })
  // Whoever kills the program breaks its pipe.
  child.stdin.on('error', () => {})
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const exit = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals)
  // Who waits for it or for a line is told of an error.
  exit.catch(() => {})
  return {
    pid: child.pid!,
    exit,
    async line() {
      const { value, done } = await lines.next()
      if (done)
        throw new Error(`${file} ended with ${await exit} and without the line that was expected:\n${complaints}`)
      return value
    },
    say: (line) => child.stdin.write(`${line}\n`),
    kill: (signal) => child.kill(signal),
  }
}
