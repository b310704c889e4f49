/** What takes a value, and what does not, among the flags that are known. */
export interface KnownFlags {
  readonly [flag: string]: { readonly type: 'option' | 'boolean' }
}

/** The first word that is neither a flag nor the value of one that comes before the processor. */
export function findProcessor(argv: readonly string[], known: KnownFlags): string | undefined {
  return argv.find((word, index) => !word.startsWith('-') && !takesValue(argv[index - 1], known))
}

/**
 * Parts a command line into what is known and the rest, since oclif stops at the first flag that it does not know and
 * the user is told everything at once.
 */
export function splitArguments(argv: readonly string[], known: KnownFlags): { known: string[]; rest: string[] } {
  const parts: { known: string[]; rest: string[] } = { known: [], rest: [] }
  argv.forEach((word, index) => {
    const before = argv[index - 1]
    const isValueOfUnknown = !word.startsWith('-') && isUnknown(before, known) && !before?.includes('=')
    parts[isUnknown(word, known) || isValueOfUnknown ? 'rest' : 'known'].push(word)
  })
  return parts
}

function isUnknown(word: string | undefined, known: KnownFlags): boolean {
  return word !== undefined && /^--?[a-z]/i.test(word) && !(nameOf(word) in known)
}

function takesValue(word: string | undefined, known: KnownFlags): boolean {
  return word !== undefined && !word.includes('=') && known[nameOf(word)]?.type === 'option'
}

function nameOf(word: string): string {
  return word.replace(/^--?(no-)?/, '').replace(/=.*$/s, '')
}
