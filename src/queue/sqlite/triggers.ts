import { statuses, transitions } from '../../task/lifecycle.ts'
import { SQLITE_NOW } from '../../task-table/lifecycle.ts'
import { columnNamed } from '../../task-table/task-table.ts'
import type { QueuedTable } from '../queued-table.ts'
import { FOREIGN_WRITER } from '../records.ts'
import { exclusiveKey, holdKeys, KEY_SCOPE, literal, quote, refusals } from '../sql-fragments.ts'
import { type Guarantee, isOpen } from './task-sql.ts'

/**
 * What is refused to every client of the database, and what is completed for those that are not ops: their runs, and the
 * events of inserts, deletions and changes between other statuses. The conditions are such that no claim and no settlement
 * of ops enters a body: it has begun or ended the run before it changes the status.
 *
 * @param replacing the columns by which a REPLACE can delete a row with another id
 */
export function triggers(queued: QueuedTable, replacing: readonly string[]): Guarantee[] {
  const { table, processor } = queued
  const on = quote(table.name)
  const messages = refusals(processor)
  const trigger = (suffix: string, when: string, body: readonly string[]): Guarantee => {
    const name = `ops_${table.name}_${suffix}`
    return {
      name,
      sql: `CREATE TRIGGER ${quote(name)} ${when}\nBEGIN\n${body.map((one) => `  ${one};\n`).join('')}END`,
    }
  }
  const isOpenFor = (row: 'old' | 'new') => `from ops_open o where ${isOpen(table.name, `${row}.id`)}`
  return [
    trigger('begins_pending', `BEFORE INSERT ON ${on} WHEN new.status is not 'pending'`, [
      refuse(messages.insert, [`coalesce(new.status, 'null')`]),
    ]),
    // REPLACE deletes without firing delete triggers. Checked after the insert: before it, REPLACE looks like INSERT OR IGNORE.
    trigger('inserted', `AFTER INSERT ON ${on}`, [
      refuse(messages.replace, ['new.id', 'new.id'], isOpenFor('new')),
      event(table.name, 'new', `'enqueued'`, 'null', 'new.status'),
    ]),
    trigger(
      'transition',
      `BEFORE UPDATE OF status ON ${on} WHEN new.status is not old.status and not (${legal()}) is true`,
      [refuse(messages.transition, ['old.id', 'old.status', `coalesce(new.status, 'null')`])],
    ),
    trigger(...changed(queued)),
    trigger('deleted', `AFTER DELETE ON ${on}`, [
      refuse(messages.delete, ['old.id', 'old.id'], isOpenFor('old')),
      event(table.name, 'old', `'deleted'`, 'old.status', 'null'),
    ]),
    ...replacements(queued, replacing).map(([suffix, when, body]) => trigger(suffix, when, body)),
  ]
}

type Trigger = [suffix: string, when: string, body: string[]]

/** One trigger for all that a change needs: each trigger costs a call on every change of a status. */
function changed(queued: QueuedTable): Trigger {
  const { table, processor, exclusivity } = queued
  const messages = refusals(processor)
  const keyColumn = exclusivity.kind === 'column' ? quote(exclusivity.column) : undefined
  const isChanged = (column: string) => `new.${column} is not old.${column}`
  const isTaken = (row: 'old' | 'new') => `exists (select 1 from ops_open o where ${isOpen(table.name, `${row}.id`)})`
  const fromOpen = (where: string) =>
    `from ops_open o join ops_runs r on r.id = o.run_id where ${isOpen(table.name, 'old.id')} and ${where}`
  const status = isChanged('status')
  return [
    'changed',
    `AFTER UPDATE OF status, id${keyColumn ? `, ${keyColumn}` : ''} ON ${quote(table.name)} WHEN ${status} and case old.status
  when 'ongoing' then ${isTaken('old')}
  when 'pending' then new.status <> 'ongoing' or not ${isTaken('new')}
  else true end or ${isChanged('id')}${keyColumn ? ` or ${isChanged(keyColumn)} and ${isTaken('old')}` : ''}`,
    [
      refuse(
        messages.changeStatus,
        ['old.id', 'old.id'],
        fromOpen(
          `r.worker_id <> '${FOREIGN_WRITER}' and ${status} and not (old.status = 'pending' and new.status = 'ongoing')`,
        ),
      ),
      refuse(messages.changeId, ['old.id', 'old.id'], fromOpen(isChanged('id'))),
      ...(keyColumn ? [refuse(messages.changeKey, ['old.id', 'old.id'], fromOpen(isChanged(keyColumn)))] : []),
      event(table.name, 'old', `'renumbered'`, 'old.status', 'null', `where ${isChanged('id')}`),
      event(table.name, 'new', `'renumbered'`, 'null', 'old.status', `where ${isChanged('id')}`),
      ...foreignStart(queued, `new.status = 'ongoing' and old.status = 'pending' and not ${isTaken('new')}`),
      ...foreignEnd(queued, `old.status = 'ongoing' and new.status <> 'ongoing'`),
      event(
        table.name,
        'new',
        `case new.status when 'pending' then 'retried' else new.status end`,
        'old.status',
        'new.status',
        `where ${status} and old.status <> 'ongoing' and new.status <> 'ongoing'`,
      ),
    ],
  ]
}

/** Starts the run of a client other than ops: so every attempt has a run, and exclusivity applies to it too. */
function foreignStart({ table, processor, exclusivity }: QueuedTable, isStart: string): string[] {
  const messages = refusals(processor)
  const key = exclusiveKey(exclusivity, 'new')
  const attempt = columnNamed(table, 'attempt') ? 'coalesce(old.attempt, 0) + 1' : '1'
  const isBusy = `from ops_open o join ops_runs r on r.id = o.run_id where o.scope = '${KEY_SCOPE}' and o.what = ${key} and ${isStart}`
  const isHeld = `from ops_holds h where h.key in (${holdKeys(processor, exclusivity, key).join(', ')}) and ${isStart}`
  const open = (
    scope: string,
    what: string,
  ) => `insert into ops_open (scope, what, run_id) select ${scope}, ${what}, r.id
    from ops_runs r where r.id = (select max(id) from ops_runs) and ${what} is not null and ${isStart}`
  return [
    ...(exclusivity.kind === 'none'
      ? []
      : [refuse(messages.keyTaken, ['new.id', 'r.exclusive_key', 'r.id', 'r.task_table', 'r.task_id'], isBusy)]),
    refuse(messages.onHold, ['new.id', 'h.key', `h.actor || coalesce(': ' || h.reason, '')`], isHeld),
    `insert into ops_runs (id, task_table, task_id, attempt, worker_id, exclusive_key, started_at)
    select n.id, ${literal(table.name)}, new.id, ${attempt}, '${FOREIGN_WRITER}', ${key}, ${SQLITE_NOW} from ops_next n where ${isStart}`,
    // The row of the task last: it is what the condition looks for.
    open(`'${KEY_SCOPE}'`, 'r.exclusive_key'),
    open('r.task_table', 'r.task_id'),
  ]
}

/** Ends the run of a client other than ops. */
function foreignEnd({ table }: QueuedTable, isEnd: string): string[] {
  const isOwn = isOpen(table.name, 'new.id')
  const run = `(select o.run_id from ops_open o where ${isOwn})`
  const error = columnNamed(table, 'error') ? 'new.error' : 'null'
  return [
    `insert into ops_ends (id, run_id) select n.id, o.run_id from ops_open o, ops_next n where ${isOwn} and ${isEnd}`,
    `update ops_runs set end_id = (select max(id) from ops_ends), ended_at = ${SQLITE_NOW},
    outcome = case new.status when 'pending' then 'returned' else new.status end,
    status_after = case new.status when 'pending' then 'pending' end, error = ${error}, ended_by = (select actor from ops_actor)
  where id = ${run} and ended_at is null and ${isEnd}`,
    `delete from ops_open where scope = '${KEY_SCOPE}' and what = (select exclusive_key from ops_runs where id = ${run}) and ${isEnd}`,
    `delete from ops_open where ${isOpen(table.name, 'new.id', 'ops_open')} and ${isEnd}`,
  ]
}

/**
 * REPLACE deletes the rows that have the same values in a unique index, and fires no trigger for them: afterwards each open
 * run of the table must still have its task. Looks at the open runs of the table, which are few.
 */
function replacements({ table, processor, unique }: QueuedTable, replacing: readonly string[]): Trigger[] {
  const columns = [...new Set([...replacing, ...unique])]
  if (columns.length === 0) return []
  const on = quote(table.name)
  const isGone = `from ops_open o where o.scope = ${literal(table.name)} and not exists (select 1 from ${on} t where t.id = o.what)`
  const changes = columns.map((column) => `new.${quote(column)} is not old.${quote(column)}`)
  // The index of `unique` has the unsettled tasks only.
  const isBack = unique.length > 0 ? [`old.status <> 'ongoing' and new.status = 'pending'`] : []
  const of = new Set([...columns, ...(unique.length > 0 ? ['status'] : [])])
  const body = [refuse(refusals(processor).replace, ['o.what', 'o.what'], isGone)]
  return [
    ['insert_replaces_none', `AFTER INSERT ON ${on} WHEN exists (select 1 ${isGone})`, body],
    [
      'update_replaces_none',
      `AFTER UPDATE OF ${[...of].map(quote).join(', ')} ON ${on} WHEN (${[...changes, ...isBack].join(' or ')})
  and exists (select 1 ${isGone})`,
      body,
    ],
  ]
}

function event(table: string, row: 'old' | 'new', name: string, from: string, to: string, where = ''): string {
  return `insert into ops_events (id, at, task_table, task_id, event, from_status, to_status, actor)
    select n.id, ${SQLITE_NOW}, ${literal(table)}, ${row}.id, ${name}, ${from}, ${to}, (select actor from ops_actor)
    from ops_next n ${where}`.trimEnd()
}

/**
 * Fails the statement with a message. Before SQLite 3.47 `raise` accepts only a literal, which cannot name the task; the
 * error for a bad JSON path repeats the path, in every version.
 */
function refuse(message: string, values: readonly string[], from = ''): string {
  return `select json_extract('{}', printf(${[literal(message), ...values].join(', ')}))${from && ` ${from}`}`
}

/** With `or`, because SQLite builds a temporary table for a longer list on each change. */
function legal(): string {
  return statuses
    .filter((from) => transitions[from].length > 0)
    .map(
      (from) => `(old.status = '${from}' and (${transitions[from].map((to) => `new.status = '${to}'`).join(' or ')}))`,
    )
    .join(' or ')
}
