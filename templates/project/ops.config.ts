import { defineConfig } from '@ops-cli/core'

export default defineConfig({
  name: '__name__',

  // Where tasks are. This is the default; postgres://user@host/name serves several machines.
  // database: 'sqlite:.ops/ops.db',

  // What `ops start-services` runs here, and `ops install-systemd` installs on a server. The worker comes by itself.
  services: {
    // api: { command: 'node api.js', port: 3000, ready: { http: '/health' }, watch: ['src'] },
    // web: { command: 'npx vite', dependsOn: ['api'], only: 'development' },
  },

  // Tasks that are added at certain times.
  // schedules: { nightly: { cron: '0 3 * * *', timeZone: 'Europe/Berlin', enqueue: 'exec', with: { command: 'date' } } },
})
