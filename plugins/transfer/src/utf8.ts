import { isUtf8 } from 'node:buffer'
import { randomUUID } from 'node:crypto'

/**
 * Finds bytes that are not UTF-8. A decoder would replace them by a character that a file may contain legitimately; so
 * they are replaced by a mark that no file contains, which identifies the row after parsing.
 */
export class Utf8Marker {
  readonly mark = `\u{10fffd}${randomUUID()}`
  /** Whether there was anything to mark; until then no row needs to be checked. */
  hasMarked = false
  #rest: Buffer = Buffer.alloc(0)

  /** The bytes up to the last complete character. */
  push(chunk: Buffer): Buffer {
    const joined = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    const end = joined.length - unfinished(joined)
    this.#rest = joined.subarray(end)
    return this.#checked(joined.subarray(0, end))
  }

  end(): Buffer {
    return this.#checked(this.#rest)
  }

  /** A text for people. */
  unmarked(text: string): string {
    return text.replaceAll(this.mark, '\ufffd')
  }

  #checked(bytes: Buffer): Buffer {
    if (isUtf8(bytes)) return bytes
    this.hasMarked = true
    const parts: Buffer[] = []
    const mark = Buffer.from(this.mark)
    let from = 0
    for (let at = 0; at < bytes.length; ) {
      const length = characterAt(bytes, at)
      if (length === 0) {
        parts.push(bytes.subarray(from, at), mark)
        from = at + 1
      }
      at += length || 1
    }
    return Buffer.concat([...parts, bytes.subarray(from)])
  }
}

/** How many bytes at the end may be an incomplete character. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!
    if (byte >= 0xc0) return lengthBy(byte) > back ? back : 0
    if (byte < 0x80) return 0
  }
  return 0
}

function characterAt(bytes: Buffer, at: number): number {
  const length = lengthBy(bytes[at]!)
  return length > 0 && at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0
}

function lengthBy(first: number): number {
  if (first < 0x80) return 1
  if (first < 0xc0) return 0
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0
}
