import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { unless } from '../support/unless.ts'
import { inside, Sandbox, sandboxMissing } from './sandbox.ts'

const project = '/home/ann/shop'

const api = `
const { readFileSync } = require('node:fs')
const token = () => readFileSync(process.env.CREDENTIALS_DIRECTORY + '/token', 'utf8')
require('node:http').createServer((request, response) => response.end(token())).listen(process.env.PORT)
`

describe('a project with user units', unless(sandboxMissing), () => {
  let sandbox: Sandbox

  beforeAll(async () => {
    sandbox = await Sandbox.boot()
    await sandbox.shell('useradd --create-home --shell /bin/bash ann')
    await sandbox.startLogins()
    const service = {
      command: 'node api.js',
      port: 3200,
      ready: { http: '/' },
      credentials: { token: '/home/ann/token' },
    }
    await sandbox.write(`${project}/ops.config.json`, JSON.stringify({ name: 'shop', services: { api: service } }))
    await sandbox.write(`${project}/api.js`, api)
    await sandbox.write('/home/ann/token', 'sesame')
    await sandbox.shell('chown -R ann:ann /home/ann && systemctl start user@$(id -u ann)')
  })
  afterAll(() => sandbox?.close())

  async function ops(...args: string[]) {
    const runtime = `XDG_RUNTIME_DIR=/run/user/${await sandbox.shell('id -u ann')}`
    const asAnn = ['-u', 'ann', '--', 'env', runtime, 'USER=ann', 'HOME=/home/ann', inside.node, inside.ops]
    return sandbox.runWith({ cwd: project }, 'runuser', ...asAnn, ...args)
  }
  const lingering = () => sandbox.shell('ls /var/lib/systemd/linger')

  it('runs without root, with its secrets, and after a logout', async () => {
    const { exitCode, stderr } = await ops('install-systemd', '--user', '--yes')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(await sandbox.shell('curl -s localhost:3200')).toBe('sesame')
    expect(await lingering()).toBe('ann')
    expect((await ops('install-systemd', '--user', '--check')).exitCode).toBe(0)
  })

  it('passes ops doctor', async () => {
    const { exitCode, stdout } = await ops('doctor')
    expect(stdout).toMatch(/^ok +user units +4 units of shop\.target up and as configured$/m)
    expect(stdout).toMatch(/^ok +database +\/home\/ann\/\.(config|local\/state)\/shop\/ops\.db/m)
    expect(exitCode).toBe(0)
  })

  it('turns lingering off when it is uninstalled', async () => {
    expect((await ops('uninstall-systemd', '--user', '--yes')).exitCode).toBe(0)
    expect(await lingering()).toBe('')
    expect(await sandbox.shell('find /home/ann -name "shop*.service" -o -name "*.env"')).toBe('')
  })

  it('keeps lingering that was on before', async () => {
    await sandbox.shell('loginctl enable-linger ann')
    expect((await ops('install-systemd', '--user', '--yes')).exitCode).toBe(0)
    expect((await ops('uninstall-systemd', '--user', '--yes')).exitCode).toBe(0)
    expect(await lingering()).toBe('ann')
  })
})
