import type { Readable } from 'node:stream'

// What clears the screen would wipe out the output of the other services.
// biome-ignore lint/suspicious/noControlCharactersInRegex: a control character is what is looked for
const screenClearing = /\x1bc|\x1b\[(?:[23]?J|H|1;1H)/g

/** Passes on the output of a stream as text of whole lines; a last line without its newline is given one. */
export function onWholeLines(stream: Readable, pass: (text: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const text = chunk.includes('\x1b') ? chunk.replaceAll(screenClearing, '') : chunk
    const end = text.lastIndexOf('\n') + 1
    if (end === 0) {
      rest += text
      return
    }
    pass(rest + text.slice(0, end))
    rest = text.slice(end)
  })
  stream.once('close', () => {
    if (rest !== '') pass(`${rest}\n`)
    rest = ''
  })
}
