import { defineConfig } from '@ops-cli/core'

export default defineConfig({
  name: '__name__',

  // This is the default. For several machines: postgres://user@host/name
  // database: 'sqlite:.ops/ops.db',

  // `ops start-services` runs these in development, `ops install-systemd` on a server. The worker is added automatically.
  services: {
    // api: { command: 'node api.js', port: 3000, ready: { http: '/health' }, watch: ['src'] },
    // web: { command: 'npx vite', dependsOn: ['api'], only: 'development' },
  },

  // Tasks to add at certain times.
  // schedules: { nightly: { cron: '0 3 * * *', timeZone: 'Europe/Berlin', enqueue: 'exec', with: { command: 'date' } } },
})
