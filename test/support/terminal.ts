import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { onTestFinished } from 'vitest'
import { opsProgram, type TestProject } from './test-project.ts'
import { until } from './until.ts'

/** Why no terminal can be had here: it is the one of util-linux that is used. */
export const terminalMissing: string | undefined = /util-linux/.test(
  String(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout),
)
  ? undefined
  : 'util-linux has no program "script" here'

/** `ops` at a terminal of its own. */
export class AtTerminal {
  output = ''
  readonly exit: Promise<number>
  private readonly child: ChildProcess

  constructor(child: ChildProcess) {
    this.child = child
    child.stdout!.setEncoding('utf8').on('data', (text) => {
      this.output += stripVTControlCharacters(text)
    })
    this.exit = once(child, 'exit').then(([code]) => code)
  }

  async says(text: string): Promise<void> {
    await until(() => this.output.includes(text), `ops says "${text}"`)
  }

  async type(keys: string): Promise<void> {
    this.child.stdin!.write(keys)
  }

  /** Waits for a question, and answers it. */
  async answer(question: string, keys: string): Promise<void> {
    await this.says(question)
    // It is drawn a moment before the keys are listened to.
    await delay(300)
    await this.type(`${keys}\r`)
  }
}

export function startAtTerminal(project: TestProject, ...args: string[]): AtTerminal {
  // A terminal whose size is not known, as those of containers are.
  const command = [process.execPath, opsProgram, ...args].map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    cwd: project.directory,
    env: { ...project.env, TERM: 'xterm', SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return new AtTerminal(child)
}
