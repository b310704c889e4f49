import type { TaskId } from '../queue/queue.ts'
import type { Project } from './open-project.ts'

/** The names by which people know tasks. Those of tables without a processor are named by the table. */
export async function taskNames(project: Project): Promise<(table: string, id: TaskId) => string> {
  const { ready } = await project.processors()
  const processors = new Map(ready.map(({ queued }) => [queued.table.name, queued.processor]))
  return (table, id) => `${processors.get(table) ?? table} ${id}`
}
