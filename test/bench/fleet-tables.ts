import { taskTable } from '../../src/task-table/described-table.ts'

/** Three tables, as a project with some plugins has. */
export const fleetTables = ['checks', 'deployments', 'builds'].map((name) =>
  taskTable(name, (column) => ({ payload: column.text() })),
)
