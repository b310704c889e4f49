import { guaranteeStep, type PlannedStep } from '../migrations.ts'
import type { Session } from './session.ts'

/** Others may take numbers between the look and the step forward. */
const AHEAD = 1000

/** How many of the newest runs are looked at for their ends, whose numbers only a slow index has. */
const NEWEST = 1000

/** The sequences of ops, each with the highest number that its tables have. */
const SEQUENCES = `select name, coalesce(pg_sequence_last_value(name::regclass), 0) as last, highest from (
  select 'ops_sequence' as name, greatest(
    (select max(r.id) from ops_runs r),
    (select max(r.end_id) from (select end_id from ops_runs order by id desc limit ${NEWEST}) r),
    (select max(e.id) from ops_events e)
  ) as highest
  union all
  select pg_get_serial_sequence('ops_workers', 'lock_id'), max(w.lock_id) from ops_workers w
) s`

/**
 * The steps that set sequences forward which are behind the numbers in the tables, as after the restore of a dump without
 * them: each number would be given twice. Empty if the tables do not exist yet.
 */
export async function sequencesBehind(session: Session): Promise<PlannedStep[]> {
  const [core] = await session.query(`select to_regclass('ops_sequence') as id`)
  if (core!.id === null) return []
  const behind = await session.query(`select name, highest from (${SEQUENCES}) s where highest > last`)
  return behind.map(({ name, highest }) =>
    guaranteeStep('core', name, 'replace', [
      `select setval('${name}', greatest(${highest}, coalesce(pg_sequence_last_value('${name}'), 0)) + ${AHEAD})`,
    ]),
  )
}

/** Sets them forward; never back. */
export async function setSequencesForward(session: Session): Promise<void> {
  for (const { statements } of await sequencesBehind(session)) {
    for (const statement of statements) await session.query(statement)
  }
}
