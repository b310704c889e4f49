import type { Reporter, TestModule } from 'vitest/node'
import { formatCount } from '../../src/format.ts'

/** Why tests were skipped, which nobody sees otherwise. */
export default class SkipReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap(({ children }) => [...children.allTests('skipped')])
    // Those that a filter leaves out are skipped as well, and no reason is given.
    const reasons = skipped.flatMap((test) => {
      const result = test.result()
      return test.meta().skipped ?? (result.state === 'skipped' ? result.note : undefined) ?? []
    })
    if (reasons.length === 0) return
    console.log('\n Skipped, since')
    for (const [reason, tests] of Map.groupBy(reasons, (reason) => reason)) {
      console.log(`   ${formatCount(tests.length, 'test')}: ${reason}`)
    }
  }
}
