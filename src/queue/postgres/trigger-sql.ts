import type { QueuedTable } from '../queued-table.ts'
import { literal, quote } from '../sql-fragments.ts'
import { type Guarantee, guaranteeName } from './task-sql.ts'

/** A trigger of a task table, whose function is named as it is. */
export interface Trigger {
  readonly suffix: string
  readonly event: string
  readonly each: string
  readonly declare?: string
  readonly body: string
}

export function withFunction({ table }: QueuedTable, trigger: Trigger, schema: string): Guarantee {
  const name = guaranteeName(table, trigger.suffix)
  // With the rights of the user who migrated: a program that writes tasks needs no access to ops' own tables. Sequential
  // scans are off because a plan for a small ops_open must serve when a statement has put thousands of rows into it.
  const code = `create or replace function ${quote(name)}() returns trigger language plpgsql
security definer set search_path = ${quote(schema)}, pg_temp set enable_seqscan = off as $ops$
#variable_conflict use_variable
${trigger.declare ? `declare\n${trigger.declare}` : ''}begin
${trigger.body}
end
$ops$`
  const sql = `create trigger ${quote(name)} ${trigger.event} on ${quote(table.name)}
${trigger.each} execute function ${quote(name)}()`
  return { kind: 'trigger', name, create: [code, sql] }
}

/** Who changes a task: whom ops names, or the user of the session. */
export const ACTOR = `coalesce(nullif(current_setting('ops.actor', true), ''), session_user::text)`

/** Fails the statement with a message in which each `%s` is one of the values. */
export function refuse(message: string, ...values: string[]): string {
  const text = `format(${[literal(message), ...values].join(', ')})`
  return `raise exception using message = ${text}, errcode = 'check_violation', table = tg_table_name, constraint = tg_name;`
}

/** Names the table, so that only its workers wake up. */
export function wakeUp(table: string): string {
  return `perform pg_notify('ops', ${literal(table)});`
}
