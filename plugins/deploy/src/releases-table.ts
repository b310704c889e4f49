import { formatRelativeTime, type Screen, Table, type TableColumn } from '@ops-cli/core/command'
import { earlierRelease, type Releases } from './releases.ts'

/** What `--json` says of a release. */
export interface ReleaseFacts {
  readonly number: number
  /** `previous` is what a rollback would go to; `unproven` was never found to be healthy. */
  readonly state: 'current' | 'previous' | 'kept' | 'withdrawn' | 'unproven'
  readonly at: string | null
  readonly build: number | null
  readonly ref: string | null
  readonly revision: string | null
  readonly deployment: number | null
  /** Why it was withdrawn. */
  readonly reason: string | null
}

/** The newest first. */
export function releaseFacts(releases: Releases): ReleaseFacts[] {
  const previous = earlierRelease(releases)?.number
  return releases.all.toReversed().map(({ number, about, isProven, withdrawn }) => ({
    number,
    state:
      number === releases.current
        ? 'current'
        : number === previous
          ? 'previous'
          : withdrawn !== undefined
            ? 'withdrawn'
            : isProven
              ? 'kept'
              : 'unproven',
    at: about.at ?? null,
    build: about.build ?? null,
    ref: about.ref ?? null,
    revision: about.revision ?? null,
    deployment: about.deployment ?? null,
    reason: withdrawn ?? null,
  }))
}

const styles = { current: 'green', previous: 'cyan', withdrawn: 'red', unproven: 'yellow' } as const

const columns: readonly TableColumn[] = [
  { title: 'release', align: 'right' },
  { title: 'made' },
  { title: 'build', align: 'right' },
  { title: 'revision', isOptional: true },
  { title: 'deployment', align: 'right', isOptional: true },
  { title: 'state', style: (state) => styles[state as keyof typeof styles] },
  { title: 'reason', isOptional: true, isFlexible: true },
]

export function releasesTable(releases: readonly ReleaseFacts[], now: Date, screen: Screen): string {
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
