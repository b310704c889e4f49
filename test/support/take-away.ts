import { taskTable } from '../../src/task-table/described-table.ts'
import { queued } from './queued.ts'
import { openQueue } from './sqlite-fixture.ts'
import type { TestProject } from './test-project.ts'

const scripts = queued(taskTable('scripts', () => ({})))

/** Settles the only open run, that of a script, as another worker does that takes the one of this run for dead. */
export async function takeAway(project: TestProject, kind: 'succeeded' | 'failed'): Promise<void> {
  const queue = openQueue(project.path('.ops/ops.db'))
  const [run] = await queue.openRuns()
  const outcome = kind === 'failed' ? ({ kind, error: 'by hand' } as const) : { kind, columns: {} }
  await queue.settleDead(run!, scripts, outcome)
}
