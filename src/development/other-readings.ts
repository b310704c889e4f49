import { parseEnv } from 'node:util'
import { parse as parseEnvFile } from 'dotenv'
import { readAsSystemd } from './systemd-env-file.ts'

/** A variable that not everybody who reads a file finds in it as ops does. Its values are never told. */
export interface OtherReading {
  readonly file: string
  /** Counted from 1. */
  readonly line: number
  readonly name: string
  readonly reader: 'systemd' | 'node --env-file'
  readonly reads: 'another value' | 'nothing' | 'a variable that ops does not read'
}

/** Where systemd and Node would read something else than ops, which development and the units go by. */
export function otherReadings(file: string, text: string): OtherReading[] {
  const ours = parseEnvFile(text)
  const readers = [
    ['systemd', readAsSystemd(text)],
    ['node --env-file', parseEnv(text) as Record<string, string>],
  ] as const
  const all = readers.flatMap(([reader, theirs]) =>
    [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].flatMap((name): OtherReading[] => {
      if (ours[name] === theirs[name]) return []
      const reads =
        theirs[name] === undefined
          ? 'nothing'
          : ours[name] === undefined
            ? 'a variable that ops does not read'
            : 'another value'
      return [{ file, line: lineOf(name, text), name, reader, reads }]
    }),
  )
  return all.sort((a, b) => a.line - b.line)
}

/** The last line that names it, since the last one counts. */
function lineOf(name: string, text: string): number {
  const lines = text.split(/\r\n?|\n/)
  const escaped = name.replaceAll(/[.]/g, '\\.')
  return lines.findLastIndex((line) => new RegExp(`^\\uFEFF?\\s*(export\\s+)?${escaped}\\s*[=:]`).test(line)) + 1
}
