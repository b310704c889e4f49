import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    globalSetup: 'test/support/postgres-setup.ts',
    setupFiles: ['test/support/native-modules.ts', 'test/support/cpu-time.ts'],
    reporters: ['default', './test/support/skip-reporter.ts', './test/support/time-reporter.ts'],
    include: ['test/**/*.test.ts', 'plugins/*/test/**/*.test.ts'],
    // Node runs the sources as they are, and each file of tests finds them imported already.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    isolate: false,
    // Most tests wait for other processes, so more files than cores are under way.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    // The last resort against a hang: what takes its time on a slow machine is no failure.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    disableConsoleIntercept: true,
  },
})
