/** An error as one line, without the width and the frame that oclif gives it. */
export function unwrapped(stderr: string): string {
  return stderr.replaceAll(/\s*\n\s*›?\s*|\s+/g, ' ').trim()
}
