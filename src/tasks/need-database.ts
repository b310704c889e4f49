import { DatabaseUnusableError } from '../errors.ts'
import type { Project } from '../project/open-project.ts'

/**
 * Sees that the database has what this version of ops keeps in it. One that does not exist is told by whatever opens it.
 *
 * @throws DatabaseUnusableError
 */
export async function needDatabase({ queue }: Pick<Project, 'queue'>): Promise<void> {
  if (!(await queue.exists())) return
  const due = await queue.planMigration([], [])
  if (due.length === 0) return
  const names = due.map(({ name }) => name).join(', ')
  throw new DatabaseUnusableError(queue.name, `it lacks what this version of ops keeps there (${names})`, {
    suggestions: ['bring it up to date: ops migrate'],
  })
}
