import { formatRelativeTime, type Screen, Table, type TableColumn } from '@ops-cli/core/command'
import { previousRelease, type Release, type Releases } from './releases.ts'

/** A release in `--json`. */
export interface ReleaseDetails {
  readonly number: number
  /** `previous` is the default of a rollback; `unverified` was never seen healthy. */
  readonly state: 'current' | 'previous' | 'kept' | 'withdrawn' | 'unverified'
  readonly at: string | null
  readonly build: number | null
  readonly ref: string | null
  readonly revision: string | null
  readonly deployment: number | null
  /** Why it was withdrawn. */
  readonly reason: string | null
}

/** Newest first. */
export function releaseDetails(releases: Releases): ReleaseDetails[] {
  const previous = previousRelease(releases)?.number
  const stateOf = ({ number, isVerified, withdrawn }: Release): ReleaseDetails['state'] => {
    if (number === releases.current) return 'current'
    if (number === previous) return 'previous'
    if (withdrawn !== undefined) return 'withdrawn'
    return isVerified ? 'kept' : 'unverified'
  }
  return releases.all.toReversed().map((release) => ({
    number: release.number,
    state: stateOf(release),
    at: release.info.at ?? null,
    build: release.info.build ?? null,
    ref: release.info.ref ?? null,
    revision: release.info.revision ?? null,
    deployment: release.info.deployment ?? null,
    reason: release.withdrawn ?? null,
  }))
}

const STATE_STYLES = { current: 'green', previous: 'cyan', withdrawn: 'red', unverified: 'yellow' } as const

const columns: readonly TableColumn[] = [
  { title: 'release', align: 'right' },
  { title: 'created' },
  { title: 'build', align: 'right' },
  { title: 'revision', isOptional: true },
  { title: 'deployment', align: 'right', isOptional: true },
  { title: 'state', style: (state) => STATE_STYLES[state as keyof typeof STATE_STYLES] },
  { title: 'reason', isOptional: true, isFlexible: true },
]

export function releasesTable(releases: readonly ReleaseDetails[], now: Date, screen: Screen): string {
  const rows = releases.map(({ number, state, at, build, revision, deployment, reason }) => [
    String(number),
    at === null ? '' : formatRelativeTime(new Date(at), now),
    build === null ? '' : String(build),
    revision?.slice(0, 7),
    deployment === null ? '' : String(deployment),
    state,
    reason ?? '',
  ])
  return new Table(columns, screen).render(rows)
}
