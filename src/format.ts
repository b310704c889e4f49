import { getSystemErrorMap, stripVTControlCharacters } from 'node:util'

/** The one format of each kind of value that people read: durations, instants, sizes, counts, foreign texts. */

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/**
 * How long something took or takes: `340 ms`, `1.2 s`, `12 s`, `3 m 20 s`, `2 h 3 m`, `4 d 6 h`. Rounded down, so that
 * nothing seems to have reached a limit that it has not.
 */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < SECOND) return `${Math.floor(milliseconds)} ms`
  if (milliseconds < 10 * SECOND) return `${(Math.floor(milliseconds / 100) / 10).toFixed(1)} s`
  if (milliseconds < MINUTE) return `${Math.floor(milliseconds / SECOND)} s`
  if (milliseconds < HOUR) return twoUnits(milliseconds, [MINUTE, 'm'], [SECOND, 's'])
  if (milliseconds < DAY) return twoUnits(milliseconds, [HOUR, 'h'], [MINUTE, 'm'])
  return twoUnits(milliseconds, [DAY, 'd'], [HOUR, 'h'])
}

type Unit = readonly [milliseconds: number, name: string]

function twoUnits(milliseconds: number, [size, name]: Unit, [smallSize, smallName]: Unit): string {
  const small = Math.floor((milliseconds % size) / smallSize)
  return `${Math.floor(milliseconds / size)} ${name}${small > 0 ? ` ${small} ${smallName}` : ''}`
}

/** `45 s ago`, `in 3 m`, `2 h ago`, `now`. */
export function formatRelativeTime(at: Date, now: Date): string {
  const apart = at.getTime() - now.getTime()
  const seconds = Math.round(Math.abs(apart) / SECOND)
  if (seconds === 0) return 'now'
  return apart < 0 ? `${largestUnit(seconds)} ago` : `in ${largestUnit(seconds)}`
}

function largestUnit(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} m`
  const hours = Math.round(seconds / 3600)
  // "in 30 h" says more than "in 1 d".
  return hours < 48 ? `${hours} h` : `${Math.round(seconds / 86_400)} d`
}

/** `2030-01-31 12:00:00`, in the time zone of the machine or in the given one. */
export function formatTime(at: Date, timeZone?: string): string {
  // Swedish writes dates this way.
  return new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium', timeZone }).format(at)
}

/** The same without the year, and without the date when it is today. */
export function formatShortTime(at: Date, now: Date, timeZone?: string): string {
  const [date, time] = formatTime(at, timeZone).split(' ')
  return date === formatTime(now, timeZone).split(' ')[0] ? time! : `${date!.slice(5)} ${time}`
}

/** `12:00:00.250`, in the time zone of the machine. */
export function formatClock(at: Date): string {
  const two = (part: number) => String(part).padStart(2, '0')
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')
  return `${time}.${String(at.getMilliseconds()).padStart(3, '0')}`
}

const sizes = ['B', 'kB', 'MB', 'GB', 'TB']

/** `512 B`, `4.1 MB`: in powers of 1000. */
export function formatBytes(bytes: number): string {
  let size = bytes
  let step = 0
  for (; size >= 1000 && step < sizes.length - 1; step += 1) size /= 1000
  return `${step === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${sizes[step]}`
}

/** `1 task`, `1,200 tasks`, `2 entries`. */
export function formatCount(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? noun : plural}`
}

/** An identifier as people read it: `timed out` for `timed_out`. */
export function formatName(name: string): string {
  return name.replaceAll('_', ' ')
}

/** How a program ended. */
export interface ProgramExit {
  /** Undefined if a signal killed it, or if it could not be started. */
  readonly exitCode: number | undefined
  readonly signal: string | undefined
  /** The code of the system's error where it could not be started, and its message. */
  readonly code?: string | undefined
  readonly originalMessage?: string | undefined
}

/** `failed with exit code 2`, `was killed by SIGTERM`, `could not be started: program not found`. */
export function formatExit({ exitCode, signal, code, originalMessage }: ProgramExit): string {
  if (signal !== undefined) return `was killed by ${signal}`
  if (exitCode !== undefined) return exitCode === 0 ? 'exited with code 0' : `failed with exit code ${exitCode}`
  if (code === 'ENOENT') return 'could not be started: program not found'
  if (code === 'EACCES') return 'could not be started: not executable'
  return `could not be started: ${originalMessage ?? 'unknown error'}`
}

/** Words of a command that can be copied to a shell: `cd '/srv/my shop'`. */
export function formatCommand(...words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./^-][\w@%+=:,./^#~-]*$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ')
}

/** Why the system refused something, without its code and call: `no such file or directory`. */
export function formatSystemError(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException
  return (errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]) ?? message
}

/** Characters that change the direction of the text around them, and two that some terminals take for line ends. */
const DIRECTIONS = '\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069\\u2028\\u2029'

const CONTROL = new RegExp(`[\\u0000-\\u001f\\u007f-\\u009f${DIRECTIONS}]+`, 'g')

/** A text of unknown origin, or the message of an error, as one line without colours and control characters. */
export function oneLine(value: unknown): string {
  const text = value instanceof Error ? value.message : String(value)
  return stripVTControlCharacters(text).replaceAll(CONTROL, ' ').trim()
}

/**
 * Escape sequences (ECMA-48: CSI, strings such as a window title, and short ones) and control characters. Colours, which
 * are CSI … m, are captured, and tabs and newlines are not matched. A program alone in its terminal may clear it, hide
 * the cursor or change the character set; here that would happen to the output of all, and stay afterwards.
 */
const CONTROLS = new RegExp(
  `(\\x1b\\[[\\d;:]*m)|\\x1b(?:\\[[ -?]*[@-~]|[\\]P^_X][^\\x07\\x1b\\n]*(?:\\x07|\\x1b\\\\)?|[ -/]*[0-~])?|[\\0-\\x08\\x0b-\\x1f\\x7f-\\x9f${DIRECTIONS}]`,
  'g',
)

// biome-ignore lint/suspicious/noControlCharactersInRegex: the last colour of a line, if it is not the end of colours
const OPEN_COLOUR = /\x1b\[(?!0?m)[\d;:]*m(?![^\n]*\x1b\[)[^\n]*$/gm

/**
 * Text of unknown origin as a terminal may get it: lines and their colours, which end with the line, and nothing else that
 * changes the terminal. What a carriage return would overwrite is left out. All text of rows, logs, services and plugins
 * passes here or through `oneLine`.
 */
export function terminalText(text: string): string {
  const lines = text.includes('\r') ? text.replaceAll(/\r+$/gm, '').replaceAll(/^.*\r/gm, '') : text
  return lines.replaceAll(CONTROLS, '$1').replaceAll(OPEN_COLOUR, (line) => `${line}\x1b[0m`)
}

/** JSON in which no character changes a terminal: those that JSON leaves as they are. */
export function terminalJson(json: string): string {
  return json.replaceAll(CONTROL_IN_JSON, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const CONTROL_IN_JSON = new RegExp(`[\\u007f-\\u009f${DIRECTIONS}]`, 'g')
