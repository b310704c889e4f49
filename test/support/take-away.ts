import { openQueue } from '../../src/queue/open-queue.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { queued } from './queued.ts'
import type { TestProject } from './test-project.ts'

/** Settles the only open run, that of a task of this table, as another worker does that takes the one of this run for dead. */
export async function takeAway(
  project: Pick<TestProject, 'directory' | 'env' | 'path'>,
  table: string,
  kind: 'succeeded' | 'failed',
): Promise<void> {
  const queue = await openQueue(project.env.OPS_DATABASE_URL ?? `sqlite:${project.path('.ops/ops.db')}`, {
    directory: project.directory,
  })
  try {
    const [run] = await queue.openRuns()
    const outcome = kind === 'failed' ? ({ kind, error: 'by hand' } as const) : { kind, columns: {} }
    await queue.settleDead(run!, queued(taskTable(table, () => ({}))), outcome)
  } finally {
    await queue.close()
  }
}
