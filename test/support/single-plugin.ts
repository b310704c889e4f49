import { taskTable } from '../../src/task-table/described-table.ts'
import { createTaskTable } from './create-task-table.ts'
import { TestProject } from './test-project.ts'
import { writePlugin } from './write-plugin.ts'

/** A project with a processor `single`, of which no two tasks with one name wait at once, and whose tasks fail. */
export async function projectWithSingle(): Promise<TestProject> {
  const project = await TestProject.withProbe()
  const plugin = writePlugin(
    'single',
    `import { defineProcessor, taskTable } from '@ops-cli/core'
    const table = taskTable('singles', (column) => ({ name: column.text() }))
    export default defineProcessor({ name: 'single', table, unique: ['name'], perform() { throw new Error('no') } })`,
  )
  project.link(plugin)
  project.database.exec(createTaskTable(taskTable('singles', (column) => ({ name: column.text() }))))
  await project.ops('migrate')
  return project
}
