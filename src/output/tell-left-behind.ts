import type { LeftBehind } from '../plugins/left-behind.ts'
import { pendingInWords } from '../project/pending-tasks.ts'

interface Teller {
  log(line: string): void
  warn(text: string): unknown
}

/** Says what a plugin that is gone has left in the database, and which of its tasks wait in vain. */
export function tellLeftBehind(
  { tables, pending, problem, wayBack }: LeftBehind & { wayBack: string },
  to: Teller,
): void {
  if (tables.length > 0) to.log(`  what stays in the database: ${tables.join(', ')}`)
  for (const each of pending)
    to.warn(`${pendingInWords(each)}, and nothing performs them now.\n  to have them performed: ${wayBack}`)
  if (problem !== null) to.warn(`Whether tasks of it are pending cannot be told: ${problem}`)
}
