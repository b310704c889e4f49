import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { until } from './until.ts'

interface TerminalOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** @default 80 */
  readonly columns?: number
}

/** A program on a terminal of its own: a pseudo-terminal that `script` of util-linux makes. */
export class Terminal {
  output = ''
  /** The exit status of the program. */
  readonly exit: Promise<number>
  readonly #script: ChildProcess

  /** @param argv a program with its arguments */
  constructor(argv: readonly string[], { cwd, env, columns = 80 }: TerminalOptions) {
    const command = `stty columns ${columns} rows 24; exec ${argv.map(quoted).join(' ')}`
    this.#script = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
      cwd,
      env: { TERM: 'xterm-256color', ...env, SHELL: '/bin/sh' },
    })
    this.#script.stdout!.setEncoding('utf8').on('data', (text) => {
      this.output += text
    })
    this.#script.stdin!.on('error', () => {})
    this.exit = once(this.#script, 'close').then(([code, signal]) =>
      signal === null ? code : 128 + constants.signals[signal as NodeJS.Signals],
    )
  }

  /** What has been written, as lines without what moves the cursor or colours it. */
  get lines(): string[] {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is left out
    return this.output.replaceAll(/\x1b\[[\d;?]*[A-Za-z]/g, '').split(/\r*\n|\r/)
  }

  press(keys: string): void {
    this.#script.stdin!.write(keys)
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
