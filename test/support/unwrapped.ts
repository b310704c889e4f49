/** A text as one line, without the line breaks of a terminal's width. */
export function unwrapped(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim()
}
