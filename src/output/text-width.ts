const segmenter = new Intl.Segmenter()

/** What terminals draw two columns wide: emoji, and the scripts of East Asia. */
const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u

/** How many columns a terminal needs for a text without control characters. */
export function textWidth(text: string): number {
  // Most texts are this simple, and a list has many.
  if (/^[ -~]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of segmenter.segment(text)) width += wide.test(segment) ? 2 : 1
  return width
}

/** The text, or its beginning and an ellipsis, in no more columns than this. */
export function cutText(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  if (width < 1) return ''
  let cut = ''
  let used = 1
  for (const { segment } of segmenter.segment(text)) {
    used += textWidth(segment)
    if (used > width) break
    cut += segment
  }
  return `${cut.trimEnd()}…`
}

/** The text in lines of no more columns than this, broken between words where that is possible. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (textWidth(longer) <= width) {
      line = longer
      continue
    }
    if (line !== '') lines.push(line)
    line = word
    // A path or an address: somewhere it has to break.
    while (textWidth(line) > width) {
      const head = headOf(line, width)
      lines.push(head)
      line = line.slice(head.length)
    }
  }
  return [...lines, line]
}

function headOf(word: string, width: number): string {
  let head = ''
  let used = 0
  for (const { segment } of segmenter.segment(word)) {
    used += textWidth(segment)
    if (used > width && head !== '') break
    head += segment
  }
  return head
}
