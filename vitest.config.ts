import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { runFolder } from './test/support/run-folder.ts'

/** What takes minutes: packing and installing with npm, systemd, ssh, torture, a million rows. */
const slow = ['test/**/*.slow.test.ts', 'plugins/*/test/**/*.slow.test.ts']

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts', 'plugins/*/test/**/*.test.ts'],
          exclude: slow,
          env: { TMPDIR: runFolder(), NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache') },
        },
      },
      {
        extends: true,
        test: {
          name: 'slow',
          // What the fast tests do for a moment is done for longer, and with more rows.
          include: [...slow, 'test/queue/*/model.test.ts', 'plugins/transfer/test/large.test.ts'],
          env: { OPS_MODEL_RUNS: '60', OPS_TRANSFER_ROWS: '1000000' },
        },
      },
    ],
    globalSetup: ['test/support/run-folder.ts', 'test/support/postgres-setup.ts'],
    setupFiles: ['test/support/native-modules.ts', 'test/support/cpu-time.ts'],
    reporters: ['default', './test/support/skip-reporter.ts', './test/support/time-reporter.ts'],
    // Node runs the sources as they are, and each file of tests finds them imported already.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    isolate: false,
    // Most tests wait for other processes, so more files than cores are under way.
    maxWorkers: availableParallelism() + 3,
    // The last resort against a hang: what takes its time on a slow machine is no failure.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    teardownTimeout: 60_000,
    disableConsoleIntercept: true,
  },
})
