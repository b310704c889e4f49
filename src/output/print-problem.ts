import { type Problem, suggestionLine } from '../errors.ts'
import { oneLine, terminalText } from '../format.ts'
import { redactText } from '../redact.ts'
import { type Screen, type Style, screenOf, styled } from './screen.ts'

type Wrap = (text: string, columns: number, options: { trim: boolean }) => string

const labels: Readonly<Record<Problem['severity'], readonly [text: string, style: Style]>> = {
  error: ['Error', 'red'],
  warning: ['Warning', 'yellow'],
  info: ['Note', 'cyan'],
}

let wrap: Wrap | undefined

/** Loads what wraps lines on a terminal. It takes a while, and nothing is wrapped in a pipe. */
export async function loadWrapping(out: NodeJS.WriteStream = process.stderr): Promise<void> {
  if (out.isTTY) wrap ??= (await import('wrap-ansi')).default
}

/** Prints `Error: …` or `Warning: …` with a line for each suggestion. */
export function printProblem(problem: Problem, out: NodeJS.WriteStream = process.stderr): void {
  const screen = screenOf(out, process.env)
  const text = terminalText(redactText(formatProblem(problem, screen)))
  // Trimming would take the indentation too.
  const lines = wrap && screen.width !== undefined ? wrap(text, screen.width, { trim: false }) : text
  out.write(`${lines.replaceAll(/ +$/gm, '')}\n`)
}

export function formatProblem({ severity, message, suggestions }: Problem, screen: Pick<Screen, 'isColoured'>): string {
  const [label, style] = labels[severity]
  const lines = suggestions.map((suggestion) =>
    suggestionLine(oneLine(suggestion)).replace(/^Try:/, (word) => styled(word, 'cyan', screen)),
  )
  return [`${styled(`${label}:`, style, screen)} ${indented(message)}`, ...lines].join('\n')
}

/** Only the lines of ops start at the margin: a message may quote what somebody else has written. */
function indented(message: string): string {
  return message.replaceAll(/\r\n?/g, '\n').replaceAll(/\n(?! {2})/g, '\n  ')
}
