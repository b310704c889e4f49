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

  // The bundled plugins to use: their tasks run programs and read and write files, see SECURITY.md.
  plugins: {
    // build: {},
    // deploy: { environments: { staging: { path: '/srv/staging' } } },
    // exec: {},
    // transfer: { folders: ['exports'], tables: ['orders'] },
  },

  // Tasks to add at certain times.
  // schedules: { nightly: { cron: '0 3 * * *', timeZone: 'Europe/Berlin', enqueue: 'exec', with: { command: 'date' } } },
})
