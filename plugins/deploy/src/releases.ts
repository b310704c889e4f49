/** A complete release of an environment. */
export interface Release {
  readonly number: number
  readonly about: About
  /** Whether it was current and found to be healthy. */
  readonly isProven: boolean
  /** Why it was taken back, if it was. */
  readonly withdrawn: string | undefined
}

/** What a release says of itself, in `.ops-release/release.json`. */
export interface About {
  readonly environment?: string
  readonly build?: number
  readonly ref?: string | null
  readonly revision?: string | null
  readonly deployment?: number
  readonly run?: number
  readonly at?: string
  readonly sha256?: string
}

/** The releases of an environment, the oldest first, and which of them `current` leads to. */
export interface Releases {
  readonly all: readonly Release[]
  readonly current: number | undefined
}

/** Reads what the list script prints. */
export function parseReleases(text: string): Releases {
  const found = new Map<number, Release>()
  let current: number | undefined
  for (const line of text.split('\n')) {
    const [kind, name = '', ...rest] = line.split('\t')
    const value = rest.join('\t')
    if (kind === 'current') current = numberOf(name)
    const number = Number(name)
    const known = found.get(number)
    if (kind === 'release')
      found.set(number, { number, about: parseAbout(value), isProven: false, withdrawn: undefined })
    else if (kind === 'succeeded' && known) found.set(number, { ...known, isProven: true })
    else if (kind === 'withdrawn' && known) found.set(number, { ...known, withdrawn: value })
  }
  return { all: [...found.values()].toSorted((a, b) => a.number - b.number), current }
}

/** The number of the next release: never that of one that `current` still names, be it gone. */
export function nextNumber({ all, current = 0 }: Releases): number {
  return Math.max(0, current, ...all.map(({ number }) => number)) + 1
}

/** What a rollback goes to by itself: the last one before the current that worked and was not taken back. */
export function earlierRelease({ all, current = Number.POSITIVE_INFINITY }: Releases): Release | undefined {
  return all.findLast(({ number, isProven, withdrawn }) => number < current && isProven && withdrawn === undefined)
}

/**
 * The releases that may go. The newest `keep` stay, with the current one, the one before it, and the last of those that
 * did not work, for whoever wants to know why; others like it do not count.
 *
 * @param before the release that was current before
 */
export function releasesToRemove({ all, current }: Releases, before: number | undefined, keep: number): number[] {
  const isGood = ({ number, isProven, withdrawn }: Release) =>
    number === current || (isProven && withdrawn === undefined)
  const newestFirst = all.toReversed()
  const stay = new Set([current, before, newestFirst.find((release) => !isGood(release))?.number])
  for (const { number } of newestFirst.filter(isGood).slice(0, keep)) stay.add(number)
  return all.map(({ number }) => number).filter((number) => !stay.has(number))
}

function numberOf(link: string): number | undefined {
  const [, digits] = /^releases\/(\d+)$/.exec(link) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** A person may have written into it. */
function parseAbout(text: string): About {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}
