/** A complete release of an environment. */
export interface Release {
  readonly number: number
  readonly info: ReleaseInfo
  /** Whether it was current and healthy. */
  readonly isVerified: boolean
  /** Why it was withdrawn, if it was. */
  readonly withdrawn: string | undefined
}

/** Where a release comes from: its `.ops-release/release.json`. */
export interface ReleaseInfo {
  readonly environment?: string
  readonly build?: number
  readonly ref?: string | null
  readonly revision?: string | null
  readonly deployment?: number
  readonly run?: number
  readonly at?: string
  readonly sha256?: string
}

/** The releases of an environment, oldest first, and the one that `current` points to. */
export interface Releases {
  readonly all: readonly Release[]
  readonly current: number | undefined
}

/** Parses the output of the list script. */
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
      found.set(number, { number, info: parseInfo(value), isVerified: false, withdrawn: undefined })
    else if (kind === 'succeeded' && known) found.set(number, { ...known, isVerified: true })
    else if (kind === 'withdrawn' && known) found.set(number, { ...known, withdrawn: value })
  }
  return { all: [...found.values()].toSorted((a, b) => a.number - b.number), current }
}

/** The number of the next release. `current` may point to one that was removed. */
export function nextNumber({ all, current = 0 }: Releases): number {
  return Math.max(0, current, ...all.map(({ number }) => number)) + 1
}

/** The default of a rollback: the last verified release before the current one that was not withdrawn. */
export function previousRelease({ all, current = Number.POSITIVE_INFINITY }: Releases): Release | undefined {
  return all.findLast(({ number, isVerified, withdrawn }) => number < current && isVerified && withdrawn === undefined)
}

/**
 * The releases to remove. The newest `keep` stay, with the current one, the one before it, and the last one that failed,
 * so that the failure can be examined.
 *
 * @param before the release that was current before
 */
export function releasesToRemove({ all, current }: Releases, before: number | undefined, keep: number): number[] {
  const isGood = ({ number, isVerified, withdrawn }: Release) =>
    number === current || (isVerified && withdrawn === undefined)
  const newestFirst = all.toReversed()
  const stay = new Set([current, before, newestFirst.find((release) => !isGood(release))?.number])
  for (const { number } of newestFirst.filter(isGood).slice(0, keep)) stay.add(number)
  return all.map(({ number }) => number).filter((number) => !stay.has(number))
}

function numberOf(link: string): number | undefined {
  const [, digits] = /^releases\/(\d+)$/.exec(link) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** The file may have been edited. */
function parseInfo(text: string): ReleaseInfo {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}
