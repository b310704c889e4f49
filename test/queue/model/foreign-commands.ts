import fc from 'fast-check'
import type { Status } from '../../../src/task/lifecycle.ts'
import { statuses, transitions } from '../legal-changes.ts'
import { command, environment, expectRefusal, hasTasks, hour, often, pickTask, whichTask } from './command.ts'
import type { Expected, Task } from './expected.ts'
import { modelTables } from './tables.ts'

/** A program other than ops that writes to the tables. */
const setStatus = command(
  'setStatus',
  fc.record({
    task: whichTask,
    to: fc.constantFrom(...statuses, 'ongoing', 'pending'),
    error: fc.constantFrom(null, 'by hand'),
  }),
  async (model, { database }, { task: which, to, error }) => {
    const task = pickTask(model, which)
    const { queued, id, status } = task
    const set = `status = '${to}'${error === null ? '' : `, error = '${error}'`}`
    const now = database.now()
    const update = database.sql(`update ${queued.table.name} set ${set} where id = ${id}`)
    if (!model.isLegal(task, to)) return expectRefusal(update, refusal(task, to))
    if (model.isPerformed(task) && to !== status) return expectRefusal(update, /only its worker changes its status/)
    await update
    if (error !== null) task.error = error
    if (to === 'ongoing' && status === 'pending') {
      const [row] = await database.sql(`select max(id) as run from ops_runs`)
      model.begin(task, Number(row!.run), 'sql', now, undefined)
    } else model.change(task, to, undefined)
  },
  hasTasks,
)

const insert = command(
  'insert',
  fc.record({ environment, status: fc.constantFrom('pending', 'pending', 'ongoing', 'failed') }),
  async (model, { database }, { environment, status }) => {
    const queued = modelTables[2]!
    const value = environment === null ? 'null' : `'${environment}'`
    const insert = database.sql(`insert into deployments (environment, status) values (${value}, '${status}')`)
    if (status !== 'pending') return expectRefusal(insert, /a new deployment must be "pending"/)
    await insert
    const [row] = await database.sql('select max(id) as id from deployments')
    const now = performance.timeOrigin + performance.now()
    model.add(queued, Number(row!.id), { environment, build_id: null }, now, undefined)
  },
)

/** Texts that mean something to SQL, to formats, or to nobody. */
const oddTexts = ['', ' ', '%s%n', "o'brien", 'a:b', '\\', '😀', 'null']

/** What no task can be is refused; a key may be any text. */
const insertOdd = command(
  'insertOdd',
  fc.constantFrom(
    ...oddTexts.map((text) => ({ column: 'environment', value: `'${text.replaceAll("'", "''")}'`, text })),
    { column: 'status', value: `'done'`, refused: /a new deployment must be "pending", not "done"/ },
    { column: 'status', value: 'null', refused: /a new deployment must be "pending", not "null"/ },
    { column: 'run_at', value: 'null', refused: /not.null/i },
    { column: 'id', value: `'x'`, refused: /datatype mismatch|invalid input syntax/ },
    { column: 'build_id', value: '999999', refused: /foreign key/i },
  ),
  async (model, { database }, odd) => {
    const insert = database.sql(`insert into deployments (${odd.column}) values (${odd.value})`)
    if ('refused' in odd) return expectRefusal(insert, odd.refused)
    await insert
    const [row] = await database.sql('select max(id) as id from deployments')
    const now = performance.timeOrigin + performance.now()
    model.add(modelTables[2]!, Number(row!.id), { environment: odd.text, build_id: null }, now, undefined)
  },
)

const remove = command(
  'delete',
  fc.record({ task: whichTask }),
  async (model, { database }, { task: which }) => {
    const task = pickTask(model, which)
    const deletion = database.sql(`delete from ${task.queued.table.name} where id = ${task.id}`)
    // If both apply, each database reports another one.
    const reasons = [
      ...(task.status === 'ongoing' ? ['is ongoing and cannot be deleted'] : []),
      ...(isAwaited(model, task) ? ['foreign key'] : []),
    ]
    if (reasons.length > 0) return expectRefusal(deletion, new RegExp(reasons.join('|'), 'i'))
    await deletion
    model.tasks.splice(model.tasks.indexOf(task), 1)
    model.record(task, null, 'deleted', task.status, null, undefined)
  },
  hasTasks,
)

/** The key of an open run does not change. */
const setEnvironment = command(
  'setEnvironment',
  fc.record({ task: whichTask, environment }),
  async (model, { database }, { task: which, environment }) => {
    const task = pickTask(model, which)
    if (!('environment' in task.own)) return
    const value = environment === null ? 'null' : `'${environment}'`
    const update = database.sql(`update ${task.queued.table.name} set environment = ${value} where id = ${task.id}`)
    const alike = model.alike(task.queued, { ...task.own, environment })
    const isUnsettled = task.status === 'pending' || task.status === 'ongoing'
    if (alike && alike !== task && isUnsettled) return expectRefusal(update, /unique/i)
    const isKey = task.queued.exclusivity.kind === 'column'
    if (isKey && model.openRunOf(task) && environment !== task.own.environment)
      return expectRefusal(update, /its exclusivity key cannot change/)
    await update
    task.own.environment = environment
  },
  hasTasks,
)

/** On a database with its own clock, the tasks' times are moved instead. */
const jump = command(
  'jump',
  fc.record({ hours: fc.constantFrom(-2, 1, 1, 3) }),
  async (model, { database }, { hours }) => {
    const moved = await database.jump(hours * hour)
    for (const task of model.tasks) task.runAt -= moved
    for (const run of model.runs)
      if (run.isOpen && run.deadlineAt !== undefined) Object.assign(run, { deadlineAt: run.deadlineAt - moved })
  },
)

export const foreignCommands = [
  ...often(6, setStatus),
  ...often(1, insert),
  ...often(1, insertOdd),
  ...often(1, remove),
  ...often(2, setEnvironment),
  ...often(3, jump),
]

function isAwaited({ tasks }: Expected, task: Task): boolean {
  return tasks.some(({ queued, own }) =>
    queued.after.some(({ column, table }) => table === task.queued.table.name && own[column] === task.id),
  )
}

function refusal(task: Task, to: Status): RegExp {
  const name = `${task.queued.processor} ${task.id}`
  if (task.status === 'pending' && to === 'ongoing') return new RegExp(`${name} must wait: "`)
  if (transitions[task.status].includes(to)) return /unique/i
  return new RegExp(`${name} cannot go from "${task.status}" to "${to}"`)
}
