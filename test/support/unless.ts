import { spawnSync } from 'node:child_process'
import 'vitest'

declare module 'vitest' {
  interface TaskMeta {
    /** Why a test is skipped. */
    skipped?: string
  }
}

/** Options of tests that cannot run everywhere: where there is a reason against it they are skipped, and the run shows it. */
export function unless(reason: string | undefined) {
  return reason === undefined ? {} : { skip: true, meta: { skipped: reason } }
}

export const notLinux = process.platform === 'linux' ? undefined : 'this is not Linux'

export function missingProgram(name: string, versionFlag = '--version'): string | undefined {
  return spawnSync(name, [versionFlag], { stdio: 'ignore' }).status === 0 ? undefined : `${name} not found`
}
