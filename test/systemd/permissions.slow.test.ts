import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { unless } from '../support/unless.ts'
import { inside, Sandbox, sandboxMissing } from './sandbox.ts'

const project = '/srv/shop'

/** Answers with what it may do. */
const probe = `
const { readFileSync, writeFileSync } = require('node:fs')
const attempt = (what) => { try { return what() } catch (error) { return error.code } }
const found = () => ({
  user: require('node:os').userInfo().username,
  directory: process.cwd(),
  token: attempt(() => readFileSync(process.env.CREDENTIALS_DIRECTORY + '/token', 'utf8')),
  source: attempt(() => readFileSync('/etc/token', 'utf8')),
  inside: attempt(() => writeFileSync('/srv/shop/uploads/one', '') ?? 'written'),
  outside: attempt(() => writeFileSync('/srv/shop/two', '') ?? 'written'),
})
process.on('SIGTERM', () => {})
require('node:http').createServer((request, response) => response.end(JSON.stringify(found()))).listen(process.env.PORT)
`

describe('what a unit is allowed', unless(sandboxMissing), () => {
  let sandbox: Sandbox

  beforeAll(async () => {
    sandbox = await Sandbox.boot()
    await sandbox.write(`${project}/probe.cjs`, probe)
    await sandbox.write('/etc/token', 'sesame')
    await sandbox.shell(`
      chmod 600 /etc/token; useradd --create-home --shell /bin/bash ann; useradd --system web
      mkdir -p ${project}/uploads ${project}/.ops /home/ann/site; chown web ${project}/uploads
      cp ${project}/probe.cjs /home/ann/site`)
  })
  afterAll(() => sandbox?.close())

  const opsBy = (node: string, ...args: string[]) => sandbox.runWith({ cwd: project }, node, inside.ops, ...args)
  const ops = (...args: string[]) => opsBy(inside.node, ...args)
  const configure = (config: Config) =>
    sandbox.write(`${project}/ops.config.json`, JSON.stringify({ name: 'shop', ...config }))
  const answerOf = async (port: number) => JSON.parse(await sandbox.shell(`curl -s localhost:${port}`))
  const command = 'node probe.cjs'
  const ready = { port: true } as const

  it('is what the configuration names: a secret, a folder, a user, a port below 1024, a folder in a home', async () => {
    await configure({
      services: {
        api: {
          ...{ command, port: 3100, ready, stopTimeout: '0s' },
          credentials: { token: '/etc/token' },
          allow: { writePaths: ['uploads'], user: 'web' },
        },
        front: { command, port: 87, ready, stopTimeout: '0s' },
        site: { command, cwd: '/home/ann/site', port: 3101, ready, stopTimeout: '0s' },
      },
    })
    await ops('migrate')
    const { exitCode, stderr } = await ops('install-systemd', '--yes', '--create-user')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(await answerOf(3100)).toEqual({
      user: 'web',
      directory: project,
      token: expect.any(String),
      source: 'EACCES',
      inside: 'written',
      outside: 'EROFS',
    })
    expect(await answerOf(87)).toMatchObject({ user: 'shop', token: 'ENOENT', inside: 'EROFS' })
    expect(await answerOf(3101)).toMatchObject({ directory: '/home/ann/site', outside: 'EROFS' })
  })

  it('includes its secret, which its user cannot read', async ({ skip }) => {
    const plain = 'systemd-run --quiet --wait --pipe -p LoadCredential=token:/etc/token'
    const isHanded = await sandbox.shell(`${plain} sh -c 'cat $CREDENTIALS_DIRECTORY/token'`)
    skip(isHanded !== 'sesame', 'this systemd hands out no secrets on this kernel, not even to root')
    expect(await answerOf(3100)).toMatchObject({ token: 'sesame' })
  })

  it('includes the database, which the first installation moves', async () => {
    expect(await sandbox.shell(`ls ${project}/.ops | grep 'db$\\|moved'; stat -c %U /var/lib/shop/ops.db`)).toBe(
      'ops.db.moved\nshop',
    )
  })

  it('passes ops doctor until somebody changes it', async () => {
    const well = await ops('doctor')
    expect(well.stdout).toMatch(/^ok +units +6 units of shop\.target up and as configured$/m)
    expect(well.stdout).toMatch(/^ok +systemd +\d+$/m)
    expect(well.exitCode).toBe(0)
    await sandbox.shell('systemctl stop shop-front; echo "Nice=5" >>/etc/systemd/system/shop-api.service')
    const { stdout, exitCode } = await ops('doctor')
    expect(stdout).toMatch(/^problem +units .*shop-api\.service differs from the configuration/m)
    expect(stdout).toMatch(/^problem +units .*shop-front\.service is failed.*\n +→ .*ops install-systemd$/m)
    expect(exitCode).toBe(1)
  })

  it('does not include other users, which every command says', async () => {
    const asAnn = ['-u', 'ann', '--', inside.node, inside.ops]
    for (const command of ['doctor', 'tasks']) {
      const { stdout, stderr, exitCode } = await sandbox.runWith({ cwd: project }, 'runuser', ...asAnn, command)
      expect(exitCode).toBe(1)
      expect((stdout + stderr).replaceAll(/\s+/g, ' ')).toMatch(
        /\/var\/lib\/shop\/ops\.db cannot be used: .*permission denied/,
      )
    }
  })

  it('does not include time to stop where stopTimeout is 0', async () => {
    const started = performance.now()
    expect((await ops('install-systemd', '--yes')).exitCode).toBe(0)
    await sandbox.run('systemctl', 'stop', 'shop-api', 'shop-site')
    expect(performance.now() - started).toBeLessThan(60_000)
    expect(await sandbox.shell('systemctl is-active shop-api shop-site')).toBe('failed\nfailed')
  })

  it('does not include a node in a home, unless --copy-node was used once', async () => {
    const node = '/home/ann/.nvm/versions/node/v24/bin/node'
    await sandbox.shell(`mkdir -p ${node.replace(/\/node$/, '')} && cp "${inside.node}" ${node}`)
    const refused = await opsBy(node, 'install-systemd', '--yes')
    expect(refused.exitCode).toBe(1)
    expect(refused.stderr.replaceAll(/\s+/g, ' ')).toContain('Copy this node: --copy-node')
    const { exitCode, stderr } = await opsBy(node, 'install-systemd', '--yes', '--copy-node')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const copy = `/usr/local/lib/ops/shop/node-${process.version}/node`
    expect(await sandbox.read('/etc/systemd/system/shop-worker@.service')).toContain(`ExecStart=:"${copy}"`)
    expect(await answerOf(3100)).toMatchObject({ user: 'web' })
    expect((await opsBy(node, 'install-systemd', '--check')).stdout).toBe('shop.target is up to date.')
    expect((await ops('uninstall-systemd', '--yes')).exitCode).toBe(0)
    expect(await sandbox.shell('ls /usr/local/lib/ops')).toBe('')
  })
})
