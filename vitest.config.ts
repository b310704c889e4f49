import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  // What ops does for plugins when it runs them: everybody gets this copy of it.
  resolve: {
    alias: [
      { find: '@ops-cli/core/command', replacement: join(import.meta.dirname, 'src', 'command.ts') },
      { find: '@ops-cli/core/testing', replacement: join(import.meta.dirname, 'src', 'testing', 'testing.ts') },
      { find: /^@ops-cli\/core$/, replacement: join(import.meta.dirname, 'src', 'index.ts') },
    ],
  },
  test: {
    globalSetup: 'test/support/postgres-setup.ts',
    include: ['test/**/*.test.ts', 'plugins/*/test/**/*.test.ts'],
    // Most tests wait for other processes, so more files than cores are under way.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    testTimeout: 30_000,
    hookTimeout: 30_000,
    disableConsoleIntercept: true,
  },
})
