/** `; did you mean "email"?`, where one of the known names is near enough. */
export function didYouMean(word: string, known: readonly string[]): string {
  // Of two letters, two others are no slip.
  const reach = Math.min(Math.max(2, Math.floor(word.length / 3)), plain(word).length - 1)
  const [best] = known
    .map((name) => ({ name, apart: distance(plain(word), plain(name)) }))
    .filter(({ apart }) => apart <= reach)
    .sort((a, b) => a.apart - b.apart)
  return best ? `; did you mean "${best.name}"?` : ''
}

/** "E-Mail" and "e_mail" are the same to whoever mistypes. */
function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')
}

/** Levenshtein's. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    row = next
  }
  return row[b.length]!
}
