import { defineConfig } from '@ops-cli/core'

export default defineConfig({
  name: 'shop',
  services: {
    sample: { command: 'node sample-repository.js', oneshot: true },
    api: { command: 'node api.js', port: 3000, ready: { http: '/health' }, dependsOn: ['sample'] },
  },
  plugins: { build: {} },
})
