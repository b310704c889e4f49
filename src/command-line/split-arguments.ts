/** The known flags, and whether they take a value. */
export interface KnownFlags {
  readonly [flag: string]: { readonly type: 'option' | 'boolean' }
}

/** The first word that is neither a flag nor the value of one that comes before the processor. */
export function findProcessor(argv: readonly string[], known: KnownFlags): string | undefined {
  return argv.find((word, index) => !word.startsWith('-') && !takesValue(argv[index - 1], known))
}

/**
 * Splits arguments into those that oclif knows and the rest. oclif stops at the first unknown flag, and all problems are
 * to be reported at once.
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
