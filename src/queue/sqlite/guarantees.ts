import { statuses, transitions } from '../../task/lifecycle.ts'
import { SQLITE_NOW } from '../../task-table/lifecycle.ts'
import type { QueuedTable } from '../queue.ts'
import { FOREIGN_WRITER } from '../records.ts'
import { columnNamed, literal, quote } from './values.ts'

/** An index or a trigger that ops keeps on a task table. */
export interface Guarantee {
  readonly name: string
  readonly sql: string
}

/**
 * What makes a table's promises hold whoever writes to it. Everything here must parse on SQLite 3.40: one construct
 * that a library does not know makes the whole database unreadable to the programs that use it.
 */
export function guarantees(queued: QueuedTable): Guarantee[] {
  return [...indexes(queued), ...triggers(queued)]
}

function indexes({ table, exclusivity, unique }: QueuedTable): Guarantee[] {
  const order = claimOrder(table.columns)
  const index = (suffix: string, columns: string, where: string, kind = 'INDEX'): Guarantee => {
    const name = `ops_${table.name}_${suffix}`
    return { name, sql: `CREATE ${kind} ${quote(name)} ON ${quote(table.name)} (${columns}) WHERE ${where}` }
  }
  return [
    index('due', order, `status = 'pending'`),
    // Finds the first task of each key, where the first ones of all are waiting behind a busy key.
    ...(exclusivity.kind === 'column'
      ? [index('due_by_key', `${quote(exclusivity.column)}, ${order}`, `status = 'pending'`)]
      : []),
    ...(unique.length > 0
      ? [index('unique', unique.map(uniqueExpression).join(', '), IS_UNSETTLED, 'UNIQUE INDEX')]
      : []),
  ]
}

/** Of the tasks for which this holds, no two may be alike where the processor says `unique`. */
export const IS_UNSETTLED = `status in ('pending', 'ongoing')`

/** A column in the index of what is unique, where null is a value like another. */
export function uniqueExpression(column: string): string {
  return `ifnull('=' || ${quote(column)}, '')`
}

/** Whether an open run has the key. */
export function isKeyTaken(key: string): string {
  return `exists (select 1 from ops_runs r where r.ended_at is null and r.exclusive_key = ${key})`
}

/** Whether a person has the key, or all tasks of the processor. */
export function isHeld(processor: string, exclusivity: QueuedTable['exclusivity'], key: string): string {
  const keys = [literal(`processor:${processor}`), ...(exclusivity.kind === 'none' ? [] : [key])]
  // One by one: for a list SQLite makes a table of its own with each look.
  return `(${keys.map((one) => `exists (select 1 from ops_holds h where h.key = ${one})`).join(' or ')})`
}

/** FIFO: by the time from which a task may run, which is that of its insert unless it was scheduled, then by id. */
export function claimOrder(columns: QueuedTable['table']['columns']): string {
  return Object.values(columns).some(({ name }) => name === 'run_at') ? 'run_at, id' : 'created_at, id'
}

/** The exclusivity key of a row, as an SQL expression, or null. */
export function keyOf(exclusivity: QueuedTable['exclusivity'], row: string): string {
  switch (exclusivity.kind) {
    case 'none':
      return 'null'
    case 'table':
      return literal(exclusivity.key)
    case 'column':
      return `${literal(`${exclusivity.name}:`)} || ${row}.${quote(exclusivity.column)}`
  }
}

function triggers(queued: QueuedTable): Guarantee[] {
  const { table, processor } = queued
  const name = table.name
  const on = quote(name)
  const task = (row: 'old' | 'new') => `'${processor} ' || ${row}.id`
  const trigger: MakeTrigger = (suffix, when, body) => {
    const named = `ops_${name}_${suffix}`
    return { name: named, sql: `CREATE TRIGGER ${quote(named)} ${when}\nBEGIN\n${body}\nEND` }
  }
  const audit = (row: 'old' | 'new', event: string, from: string, to: string, detail = 'null') =>
    `  insert into ops_audit (at, task_table, task_id, run_id, event, from_status, to_status, actor, detail)
  values (${SQLITE_NOW}, ${literal(name)}, ${row}.id, null, ${event}, ${from}, ${to}, (select actor from ops_actor), ${detail});`
  return [
    trigger(
      'begins_pending',
      `BEFORE INSERT ON ${on} WHEN new.status is not 'pending'`,
      refuse(`'a new ${processor} begins as "pending", not as "' || coalesce(new.status, 'null') || '"'`),
    ),
    // REPLACE deletes without the trigger for deletes. Seen after it, since before it nothing tells it from an insert that skips what is there.
    trigger(
      'not_replaced_while_ongoing',
      `AFTER INSERT ON ${on} WHEN exists (select 1 from ops_runs where ${openRunOf(name, 'new')})`,
      refuse(`${task('new')} || ' is ongoing and cannot be replaced; end it first'`),
    ),
    beforeChange(queued, trigger),
    trigger('inserted', `AFTER INSERT ON ${on}`, audit('new', `'enqueued'`, 'null', 'new.status')),
    afterChange(queued, trigger),
    trigger(
      'stays_while_ongoing',
      `BEFORE DELETE ON ${on} WHEN old.status = 'ongoing'`,
      refuse(`${task('old')} || ' is ongoing and cannot be deleted; end it first'`),
    ),
    // The open run names the task by its id, and nothing could end it any more.
    trigger(
      'keeps_id_while_ongoing',
      `BEFORE UPDATE OF id ON ${on} WHEN old.status = 'ongoing' and new.id is not old.id`,
      refuse(`${task('old')} || ' is ongoing and keeps its id; end it first'`),
    ),
    trigger('deleted', `AFTER DELETE ON ${on}`, audit('old', `'deleted'`, 'old.status', 'null')),
  ]
}

type MakeTrigger = (suffix: string, when: string, body: string) => Guarantee

/**
 * What is not allowed, and what must be there before: in one trigger, since each costs a call of its own with every
 * change of a status.
 */
function beforeChange(queued: QueuedTable, trigger: MakeTrigger): Guarantee {
  const { table, processor, exclusivity } = queued
  const task = `'${processor} ' || old.id`
  const key = keyOf(exclusivity, 'old')
  const isLegal = `(${legal()}) is true`
  const attempt = columnNamed(table, 'attempt') ? 'coalesce(old.attempt, 0) + 1' : '1'
  return trigger(
    'transition',
    `BEFORE UPDATE OF status ON ${quote(table.name)} WHEN new.status is not old.status and (not ${isLegal}
  or new.status = 'ongoing' and not exists (select 1 from ops_runs where ${openRunOf(table.name, 'old')}))`,
    // A writer that is not ops gets its run here: so every attempt has one, and the exclusivity of runs binds it too.
    `${refuse(`${task} || ' cannot go from "' || old.status || '" to "' || coalesce(new.status, 'null') || '"'`, `not ${isLegal}`)}
${refuseBusyKey(queued, key, task)}  insert into ops_runs (task_table, task_id, attempt, worker_id, exclusive_key, started_at)
  values (${literal(table.name)}, old.id, ${attempt}, ${literal(FOREIGN_WRITER)}, ${key}, ${SQLITE_NOW});`,
  )
}

/**
 * The audit row of a change, and then the end of the run: the row needs it while it is open. With VALUES, since SQLite
 * puts what an INSERT selects into a table of its own before.
 */
function afterChange({ table }: QueuedTable, trigger: MakeTrigger): Guarantee {
  const isOpen = openRunOf(table.name, 'new')
  const error = columnNamed(table, 'error') ? 'new.error' : 'null'
  const ofRun = (column: string) => `(select ${column} from ops_runs r where ${isOpen})`
  const isAboutRun = `(new.status = 'ongoing' or old.status = 'ongoing')`
  const isEnd = `old.status = 'ongoing'`
  const back = (event: string) => `case new.status when 'pending' then '${event}' else new.status end`
  const event = `case when new.status = 'ongoing' then 'started' when ${isEnd} then ${back('returned')} else ${back('retried')} end`
  // What was decided of the run tells more than the status that follows from it.
  const why = `case when r.outcome is not null then json_object('outcome', r.outcome, 'error', r.error)
    when new.status = 'failed' and ${error} is not null then json_object('error', ${error}) end`
  return trigger(
    'changed',
    `AFTER UPDATE OF status ON ${quote(table.name)} WHEN new.status <> old.status`,
    `  insert into ops_audit (at, task_table, task_id, run_id, event, from_status, to_status, actor, detail)
  values (${SQLITE_NOW}, ${literal(table.name)}, new.id, case when ${isAboutRun} then ${ofRun('id')} end, ${event},
    old.status, new.status, coalesce((select actor from ops_actor), case when ${isAboutRun} then ${ofRun('worker_id')} end),
    case when ${isEnd} and new.status <> 'succeeded' then ${ofRun(why)} end);
  update ops_runs set ended_at = ${SQLITE_NOW}, outcome = coalesce(outcome, ${back('returned')}), error = coalesce(error, ${error})
  where ${isEnd} and ${isOpen};`,
  )
}

function openRunOf(table: string, row: 'old' | 'new'): string {
  return `task_table = ${literal(table)} and task_id = ${row}.id and ended_at is null`
}

/**
 * Ends the statement with a message that is computed. Before SQLite 3.47 `raise` takes a literal only, which cannot
 * name the task; a bad JSON path is an error that repeats what it was given, on every version.
 */
function refuse(message: string, where?: string): string {
  return `  select json_extract('{}', ${message})${where === undefined ? '' : ` where ${where}`};`
}

function refuseBusyKey({ processor, exclusivity }: QueuedTable, key: string, task: string): string {
  const must = `  select json_extract('{}', ${task} || ' must wait: "' || `
  const held = `${must}h.key || '" is held by ' || h.actor || coalesce(': ' || h.reason, ''))
  from ops_holds h where h.key in (${literal(`processor:${processor}`)}, ${key});
`
  if (exclusivity.kind === 'none') return held
  return `${must}exclusive_key || '" is held by run ' || id || ' of ' || task_table || ' ' || task_id)
  from ops_runs where ended_at is null and exclusive_key = ${key};
${held}`
}

/** With `or`, since a longer list becomes a table of its own with each change. */
function legal(): string {
  return statuses
    .filter((from) => transitions[from].length > 0)
    .map(
      (from) => `(old.status = '${from}' and (${transitions[from].map((to) => `new.status = '${to}'`).join(' or ')}))`,
    )
    .join(' or ')
}
