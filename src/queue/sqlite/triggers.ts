import { statuses, transitions } from '../../task/lifecycle.ts'
import { SQLITE_NOW } from '../../task-table/lifecycle.ts'
import { columnNamed } from '../../task-table/task-table.ts'
import type { QueuedTable } from '../queued-table.ts'
import { FOREIGN_WRITER } from '../records.ts'
import { exclusiveKey, holdKeys, literal, quote, refusals } from '../sql-fragments.ts'
import type { Guarantee } from './task-sql.ts'

/** Refusals, the audit trail and the runs of other clients. */
export function triggers(queued: QueuedTable): Guarantee[] {
  const { table, processor } = queued
  const name = table.name
  const on = quote(name)
  const messages = refusals(processor)
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
      refuse(messages.insert, [`coalesce(new.status, 'null')`]),
    ),
    // REPLACE deletes without firing delete triggers. Checked after the insert: before it, REPLACE looks like INSERT OR IGNORE.
    trigger(
      'not_replaced_while_ongoing',
      `AFTER INSERT ON ${on} WHEN exists (select 1 from ops_runs where ${openRunOf(name, 'new')})`,
      refuse(messages.replace, ['new.id', 'new.id']),
    ),
    beforeChange(queued, trigger),
    trigger('inserted', `AFTER INSERT ON ${on}`, audit('new', `'enqueued'`, 'null', 'new.status')),
    afterChange(queued, trigger),
    trigger(
      'stays_while_ongoing',
      `BEFORE DELETE ON ${on} WHEN old.status = 'ongoing'`,
      refuse(messages.delete, ['old.id', 'old.id']),
    ),
    // The open run refers to the task by its id, and could not be settled any more.
    trigger(
      'keeps_id_while_ongoing',
      `BEFORE UPDATE OF id ON ${on} WHEN old.status = 'ongoing' and new.id is not old.id`,
      refuse(messages.changeId, ['old.id', 'old.id']),
    ),
    trigger('deleted', `AFTER DELETE ON ${on}`, audit('old', `'deleted'`, 'old.status', 'null')),
  ]
}

type MakeTrigger = (suffix: string, when: string, body: string) => Guarantee

/**
 * Refuses illegal changes and starts the runs of other clients. One trigger for both: each trigger costs a call on every
 * change of a status.
 */
function beforeChange(queued: QueuedTable, trigger: MakeTrigger): Guarantee {
  const { table, processor, exclusivity } = queued
  const key = exclusiveKey(exclusivity, 'old')
  const isIllegal = `not (${legal()}) is true`
  const attempt = columnNamed(table, 'attempt') ? 'coalesce(old.attempt, 0) + 1' : '1'
  return trigger(
    'transition',
    `BEFORE UPDATE OF status ON ${quote(table.name)} WHEN new.status is not old.status and (${isIllegal}
  or new.status = 'ongoing' and not exists (select 1 from ops_runs where ${openRunOf(table.name, 'old')}))`,
    // Starts the run of a client other than ops: so every attempt has a run, and exclusivity applies to it too.
    `${refuse(refusals(processor).transition, ['old.id', 'old.status', `coalesce(new.status, 'null')`], `where ${isIllegal}`)}
${refuseBusyKey(queued, key)}  insert into ops_runs (task_table, task_id, attempt, worker_id, exclusive_key, started_at)
  values (${literal(table.name)}, old.id, ${attempt}, ${literal(FOREIGN_WRITER)}, ${key}, ${SQLITE_NOW});`,
  )
}

/**
 * Writes the audit row of a change, then ends the run: the audit row reads it while it is open. With VALUES, because
 * SQLite copies the rows of INSERT … SELECT to a temporary table first.
 */
function afterChange({ table }: QueuedTable, trigger: MakeTrigger): Guarantee {
  const isOpen = openRunOf(table.name, 'new')
  const error = columnNamed(table, 'error') ? 'new.error' : 'null'
  const ofRun = (column: string) => `(select ${column} from ops_runs r where ${isOpen})`
  const isAboutRun = `(new.status = 'ongoing' or old.status = 'ongoing')`
  const isEnd = `old.status = 'ongoing'`
  const back = (event: string) => `case new.status when 'pending' then '${event}' else new.status end`
  const event = `case when new.status = 'ongoing' then 'started' when ${isEnd} then ${back('returned')} else ${back('retried')} end`
  // The outcome of a run says more than the status that follows from it.
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
 * Fails the statement with a message. Before SQLite 3.47 `raise` accepts only a literal, which cannot name the task; the
 * error for a bad JSON path repeats the path, in every version.
 */
function refuse(message: string, values: readonly string[], from = ''): string {
  return `  select json_extract('{}', printf(${[literal(message), ...values].join(', ')}))${from && ` ${from}`};`
}

function refuseBusyKey({ processor, exclusivity }: QueuedTable, key: string): string {
  const messages = refusals(processor)
  const isBusy = `from ops_runs where ended_at is null and exclusive_key = ${key}`
  const isHeld = `from ops_holds h where h.key in (${holdKeys(processor, exclusivity, key).join(', ')})`
  const refusal = [
    ...(exclusivity.kind === 'none'
      ? []
      : [refuse(messages.keyTaken, ['old.id', 'exclusive_key', 'id', 'task_table', 'task_id'], isBusy)]),
    refuse(messages.onHold, ['old.id', 'h.key', `h.actor || coalesce(': ' || h.reason, '')`], isHeld),
  ]
  return refusal.map((statement) => `${statement}\n`).join('')
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
