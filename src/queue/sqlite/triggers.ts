import { statuses, transitions } from '../../task/lifecycle.ts'
import { columnNamed } from '../../task-table/task-table.ts'
import type { QueuedTable } from '../queued-table.ts'
import { exclusiveKey, holdKeys, literal, quote, refusals } from '../sql-fragments.ts'
import { judge, type Replacing, replacements } from './replacing.ts'
import { type Guarantee, ID, isOpen, nextAttempt } from './task-sql.ts'

/**
 * What is refused to every client of the database, and what is completed for those that are not ops: their runs, and the
 * events of inserts, deletions and changes between other statuses (`ops_changes`). No claim and no settlement of ops enters
 * a body: it has begun or ended the run before it changes the status.
 *
 * @param replacing by what a REPLACE can delete a row with another id
 */
export function triggers(queued: QueuedTable, replacing: Replacing): Guarantee[] {
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
    trigger('inserted', `AFTER INSERT ON ${on}`, [
      refuse(messages.replace, ['new.id', 'new.id'], isOpenFor('new')),
      judge(queued),
      event(table.name, 'new', 'enqueued', 'null', 'new.status'),
    ]),
    trigger(
      'transition',
      `BEFORE UPDATE OF status ON ${on} WHEN new.status is not old.status and not (${legal()}) is true`,
      [refuse(messages.transition, ['old.id', 'old.status', `coalesce(new.status, 'null')`])],
    ),
    trigger(...changed(queued)),
    trigger('deleted', `AFTER DELETE ON ${on}`, [
      refuse(messages.delete, ['old.id', 'old.id'], isOpenFor('old')),
      // A pruning leaves one event for all.
      `${event(table.name, 'old', 'deleted', 'old.status', 'null')}
  where not exists (select 1 from ops_pruning p where p.task_table = ${literal(table.name)} and p.task_id = +old.id)`,
      `update ops_replacing set is_recorded = true where task_table = ${literal(table.name)} and task_id = +old.id`,
    ]),
    ...replacements(queued, replacing).map(([suffix, when, body]) => trigger(suffix, when, body)),
  ]
}

/** Only what `ops_changes` needs: each instruction is a cost of every change of a status. */
function changed({ table, processor, exclusivity }: QueuedTable): [suffix: string, when: string, body: string[]] {
  const messages = refusals(processor)
  const keyColumn = exclusivity.kind === 'column' ? quote(exclusivity.column) : undefined
  const isTaken = (row: 'old' | 'new') => `exists (select 1 from ops_open o where ${isOpen(table.name, `${row}.id`)})`
  const isSettled = `old.status = 'ongoing' and new.status <> 'ongoing'`
  const isStarted = `new.status = 'ongoing' and old.status = 'pending' and not ${isTaken('new')}`
  const change = {
    task_table: literal(table.name),
    old_id: 'old.id',
    new_id: 'new.id',
    old_status: 'old.status',
    new_status: 'new.status',
    old_key: exclusiveKey(exclusivity, 'old'),
    new_key: exclusiveKey(exclusivity, 'new'),
    processor_key: holdKeys(processor, { kind: 'none' }, '')[0]!,
    attempt: nextAttempt(table, 'old.'),
    error: columnNamed(table, 'error') ? 'new.error' : 'null',
    is_start: isStarted,
    is_end: isSettled,
    status_refused: literal(messages.changeStatus),
    id_refused: literal(messages.changeId),
    key_refused: literal(messages.changeKey),
    key_taken: literal(messages.keyTaken),
    on_hold: literal(messages.onHold),
  }
  return [
    'changed',
    `AFTER UPDATE OF status, ${ID}${keyColumn ? `, ${keyColumn}` : ''} ON ${quote(table.name)}
WHEN new.status is not old.status and case old.status
    when 'ongoing' then ${isTaken('old')}
    when 'pending' then new.status <> 'ongoing' or not ${isTaken('new')}
    else true end
  or new.id is not old.id${keyColumn ? `\n  or new.${keyColumn} is not old.${keyColumn} and ${isTaken('old')}` : ''}`,
    [
      `insert into ops_changes (${Object.keys(change).join(', ')}) values (\n    ${Object.values(change).join(',\n    ')}\n  )`,
    ],
  ]
}

function event(table: string, row: 'old' | 'new', name: string, from: string, to: string): string {
  return `insert into ops_events (id, at, task_table, task_id, event, from_status, to_status, actor)
  select id, now, ${literal(table)}, ${row}.id, '${name}', ${from}, ${to}, actor from ops_next`
}

/**
 * Fails the statement with a message. Before SQLite 3.47 `raise` accepts only a literal, which cannot name the task; the
 * error for a bad JSON path repeats the path, in every version.
 */
function refuse(message: string, values: readonly string[], from = ''): string {
  return `select json_extract('{}', printf(${[literal(message), ...values].join(', ')}))${from && ` ${from}`}`
}

/**
 * With `or`, because SQLite builds a temporary table for a longer list on each change. A status that is none of the known ones
 * has come past the triggers, and may be left for an end.
 */
function legal(): string {
  const ways = statuses
    .filter((from) => transitions[from].length > 0)
    .map(
      (from) => `(old.status = '${from}' and (${transitions[from].map((to) => `new.status = '${to}'`).join(' or ')}))`,
    )
  const isUnknown = statuses.map((status) => `old.status <> '${status}'`).join(' and ')
  return [...ways, `${isUnknown} and (new.status = 'failed' or new.status = 'canceled')`].join(' or ')
}
