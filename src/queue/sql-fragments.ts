import { columnNamed, type TaskTable } from '../task-table/task-table.ts'
import type { Exclusivity } from './queued-table.ts'

export function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** With `or`, because SQLite does not see that `status = 'pending'` implies a list. */
export const IS_UNSETTLED = `(status = 'pending' or status = 'ongoing')`

/** The scope of exclusivity keys in `ops_open`. The scope of tasks is their table, and no task table has this name. */
export const KEY_SCOPE = 'ops_key'

/** Whether an open run has the key. */
export function isKeyTaken(key: string): string {
  return `exists (select 1 from ops_open o where o.scope = '${KEY_SCOPE}' and o.what = ${key})`
}

/** The order of claims: by the time when a task is due (the insert, unless it is scheduled), then by id. */
export function claimOrder(table: TaskTable): string {
  return columnNamed(table, 'run_at') ? 'run_at, id' : 'created_at, id'
}

/** The exclusivity key of a row as an SQL expression. */
export function exclusiveKey(exclusivity: Exclusivity, row: string): string {
  switch (exclusivity.kind) {
    case 'none':
      return 'cast(null as text)'
    case 'table':
      return literal(exclusivity.key)
    case 'column':
      return `${literal(`${exclusivity.name}:`)} || ${row}.${quote(exclusivity.column)}`
  }
}

/** The keys of holds that stop a row: the one of its processor, and its exclusivity key. */
export function holdKeys(processor: string, exclusivity: Exclusivity, key: string): string[] {
  return [literal(`processor:${processor}`), ...(exclusivity.kind === 'none' ? [] : [key])]
}

/** The messages by which the triggers of a task table refuse a statement; each `%s` is a value. */
export function refusals(processor: string) {
  const cancelFirst = `cancel it first: ops tasks cancel ${processor} %s`
  return {
    insert: `a new ${processor} must be "pending", not "%s"`,
    /** id, from, to */
    transition: `${processor} %s cannot go from "%s" to "%s"`,
    /** id, key, run, table and id of the task that has the key */
    keyTaken: `${processor} %s must wait: "%s" is held by run %s of %s %s`,
    /** id, key, person */
    onHold: `${processor} %s must wait: "%s" is held by %s`,
    /** the id, twice, as in the next four */
    delete: `${processor} %s is ongoing and cannot be deleted; ${cancelFirst}`,
    replace: `${processor} %s is ongoing and cannot be replaced; ${cancelFirst}`,
    /** the id */
    replaceFinal: `${processor} %s has succeeded and cannot be replaced; insert it without an id`,
    changeStatus: `${processor} %s is ongoing and only its worker changes its status; ${cancelFirst}`,
    changeId: `${processor} %s is ongoing and its id cannot change; ${cancelFirst}`,
    changeKey: `${processor} %s is ongoing and its exclusivity key cannot change; ${cancelFirst}`,
    /** table */
    truncate: `%s cannot be truncated while a ${processor} is ongoing`,
  }
}
