/** A commit as people write it. Always of the same length, unlike git's own abbreviation, which grows with the repository. */
export function shortRevision(revision: string): string {
  return revision.slice(0, 7)
}
