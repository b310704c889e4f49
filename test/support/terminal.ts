import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { until } from './until.ts'

/** Why no terminal can be had here: it is the one of util-linux that is used. */
export const terminalMissing: string | undefined = /util-linux/.test(
  String(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout),
)
  ? undefined
  : 'util-linux has no program "script" here'

interface TerminalOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Undefined where nothing is known of its size, as in containers. */
  readonly columns?: number | undefined
}

/** A program on a terminal of its own: a pseudo-terminal that `script` of util-linux makes. */
export class Terminal {
  /** The exit status of the program. */
  readonly exit: Promise<number>
  readonly #script: ChildProcess
  #written = ''

  /** @param argv a program with its arguments */
  constructor(argv: readonly string[], { cwd, env, columns }: TerminalOptions) {
    const size = columns === undefined ? '' : `stty columns ${columns} rows 24; `
    const command = `${size}exec ${argv.map(quoted).join(' ')}`
    this.#script = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
      cwd,
      env: { ...env, TERM: 'xterm-256color', SHELL: '/bin/sh' },
    })
    this.#script.stdout!.setEncoding('utf8').on('data', (text) => {
      this.#written += text
    })
    this.#script.stdin!.on('error', () => {})
    this.exit = once(this.#script, 'close').then(([code, signal]) =>
      signal === null ? code : 128 + constants.signals[signal as NodeJS.Signals],
    )
  }

  /** What has been written, without what moves the cursor or colours it. */
  get output(): string {
    return stripVTControlCharacters(this.#written)
  }

  /** The same with its escape sequences. */
  get written(): string {
    return this.#written
  }

  get lines(): string[] {
    return this.output.split(/\r*\n|\r/)
  }

  press(keys: string): void {
    this.#script.stdin!.write(keys)
  }

  /** Waits for a question, and answers it. */
  async answer(question: string, keys: string): Promise<void> {
    await this.says(question)
    // It is drawn a moment before the keys are listened to.
    await delay(500)
    this.press(`${keys}\r`)
  }

  pressCtrlC(): void {
    this.press('\x03')
  }

  /** As somebody who closes the window: the terminal is gone, and the kernel says so to the program. */
  close(): void {
    this.#script.kill('SIGKILL')
  }

  async says(text: string | RegExp, patienceMs?: number): Promise<void> {
    const isSaid = () => (typeof text === 'string' ? this.output.includes(text) : text.test(this.output))
    await until(isSaid, `the terminal shows ${text}, and not only:\n${this.output}`, patienceMs)
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
