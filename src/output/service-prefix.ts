import { stripVTControlCharacters, styleText } from 'node:util'

const colours = ['cyan', 'yellow', 'green', 'magenta', 'blue', 'cyanBright', 'yellowBright', 'magentaBright'] as const

/** What stands in front of each line of a service, all of one width: `api    | `. */
export function servicePrefixes(names: readonly string[], isColoured: boolean): ReadonlyMap<string, string> {
  const width = Math.max(...names.map((name) => name.length))
  return new Map(
    names.map((name, index) => {
      const prefix = `${name.padEnd(width)} |`
      // styleText looks at the streams by itself; whether colours are wanted has been decided already.
      const style = { validateStream: false }
      return [name, isColoured ? `${styleText(colours[index % colours.length]!, prefix, style)} ` : `${prefix} `]
    }),
  )
}

/** Puts a prefix in front of each of the whole lines that a text is made of. */
export function prefixLines(prefix: string, text: string): string {
  return `${prefix}${text.slice(0, -1).replaceAll('\n', `\n${prefix}`)}\n`
}

/** The last of the lines, without its colours. */
export function lastLine(text: string): string {
  return stripVTControlCharacters(text.trimEnd().split('\n').at(-1) ?? '').trimEnd()
}
