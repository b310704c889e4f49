import type { QueuedTable } from '../queued-table.ts'
import { literal, refusals } from '../sql-fragments.ts'
import { changed } from './change-trigger.ts'
import { type Guarantee, idsOf } from './task-sql.ts'
import { ACTOR, refuse, type Trigger, wakeUp, withFunction } from './trigger-sql.ts'

/**
 * Refusals, the events that are no run of ops, the runs of other clients, and the wake-up. They run after the change where
 * possible, to see what the application's own triggers have made of it: a refusal still undoes the statement.
 */
export function triggers(queued: QueuedTable, schema: string): Guarantee[] {
  const all = [beginsPending, inserted, changed, deleted, truncated]
  return all.map((trigger) => withFunction(queued, trigger(queued), schema))
}

function beginsPending({ processor }: QueuedTable): Trigger {
  return {
    suffix: 'begins_pending',
    event: 'before insert',
    each: `for each row when (new.status is distinct from 'pending')`,
    body: refuse(refusals(processor).insert, `coalesce(new.status::text, 'null')`),
  }
}

function inserted({ table }: QueuedTable): Trigger {
  return {
    suffix: 'inserted',
    event: 'after insert',
    each: 'referencing new table as added for each statement',
    body: `insert into ops_events (task_table, task_id, task_key, event, to_status, actor)
select ${literal(table.name)}, ${idsOf(table, 'added')}, 'enqueued', added.status::text, ${ACTOR} from added;
if found then ${wakeUp(table.name)} end if;
return null;`,
  }
}

function deleted({ table, processor }: QueuedTable): Trigger {
  return {
    suffix: 'deleted',
    event: 'after delete',
    each: 'referencing old table as gone for each statement',
    declare: '  held text;\n',
    body: `select g.id::text into held from gone g
where exists (select 1 from ops_open o where o.scope = ${literal(table.name)} and o.what = g.id::text) limit 1;
if found then
  ${refuse(refusals(processor).delete, 'held', 'held')}
end if;
insert into ops_events (task_table, task_id, task_key, event, from_status, actor)
select ${literal(table.name)}, ${idsOf(table, 'gone')}, 'deleted', gone.status::text, ${ACTOR} from gone
-- A pruning leaves one event for all.
where not exists (select 1 from ops_pruning p where p.task_table = ${literal(table.name)} and p.task_key = gone.id::text);
return null;`,
  }
}

function truncated({ table, processor }: QueuedTable): Trigger {
  return {
    suffix: 'truncated',
    event: 'before truncate',
    each: 'for each statement',
    body: `if exists (select 1 from ops_open o where o.scope = ${literal(table.name)}) then
  ${refuse(refusals(processor).truncate, literal(table.name))}
end if;
insert into ops_events (task_table, event, actor) values (${literal(table.name)}, 'truncated', ${ACTOR});
return null;`,
  }
}
