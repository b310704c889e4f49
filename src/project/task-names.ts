import type { TaskId } from '../queue/queue.ts'
import type { Project } from './open-project.ts'

/** Names tasks by processor and id, `build 42`, or by table if no processor is known. */
export async function taskNames(project: Project): Promise<(table: string, id: TaskId) => string> {
  const { ready } = await project.processors()
  const processors = new Map(ready.map(({ queued }) => [queued.table.name, queued.processor]))
  return (table, id) => `${processors.get(table) ?? table} ${id}`
}
