import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { unless } from '../support/unless.ts'
import { until } from '../support/until.ts'
import { unwrapped } from '../support/unwrapped.ts'
import { inside, type Said, Sandbox, sandboxMissing } from './sandbox.ts'

const project = '/srv/shop'

const api = `
import { createServer } from 'node:http'
createServer((request, response) => response.end(process.env.GREETING ?? 'none')).listen(process.env.PORT)
`

// Each test continues where the one before it ended, as on a real server.
describe('a project on a server', unless(sandboxMissing), () => {
  let sandbox: Sandbox

  beforeAll(async () => {
    sandbox = await Sandbox.boot()
    await sandbox.write(join(project, 'package.json'), '{ "type": "module" }')
    await sandbox.write(join(project, 'api.js'), api)
    const plugins = [{ type: 'link', name: 'ops-plugin-probe', root: inside.probePlugin }]
    await sandbox.write(
      join(project, '.ops/plugins/package.json'),
      JSON.stringify({ dependencies: {}, oclif: { schema: 1, plugins } }),
    )
    await configure()
  })
  afterAll(() => sandbox?.close())

  async function configure(
    change: { greeting?: string; command?: string; timeout?: string; more?: object } = {},
  ): Promise<void> {
    const { greeting = 'hello', command = 'node api.js', timeout, more = {} } = change
    const services = {
      api: { command, port: 3000, ready: { http: '/', timeout }, env: { GREETING: greeting } },
      ...more,
    }
    await sandbox.write(join(project, 'ops.config.json'), JSON.stringify({ name: 'shop', services }))
  }

  const ops = (...args: string[]) => sandbox.runWith({ cwd: project }, inside.node, inside.ops, ...args)
  /** As the user of the units. */
  const asShop = (...args: string[]) =>
    sandbox.runWith({ cwd: project }, 'runuser', '-u', 'shop', '--', inside.node, inside.ops, ...args)
  const enqueue = async (script: string) => (await asShop('enqueue', 'script', '--script', script)).stdout
  const taskOf = async (name: string) =>
    JSON.parse((await asShop('tasks', 'show', ...name.split(' '), '--json')).stdout)
  const statusOf = async (name: string): Promise<string> => (await taskOf(name)).row.status
  const pidOf = (unit: string) => sandbox.property(unit, 'MainPID')
  const isStatus = (name: string, status: string, patience?: number) =>
    until(async () => (await statusOf(name)) === status, `${name} is ${status}`, patience)
  const ok = ({ exitCode, stdout, stderr }: Said) =>
    expect({ exitCode, stderr }, stdout).toEqual({ exitCode: 0, stderr: '' })

  it('is not installed while there is an error', async () => {
    const { exitCode, stderr } = await ops('install-systemd', '--yes')
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('User "shop" not found')])
    expect(await sandbox.shell('ls /etc/systemd/system | grep shop; ls /etc/ops')).toBe('')
  })

  it('is installed and answers', async () => {
    ok(await ops('install-systemd', '--yes', '--create-user'))
    expect(await sandbox.shell('curl -s localhost:3000')).toBe('hello')
    expect(await sandbox.shell('systemctl is-enabled shop.target; systemctl is-active shop.target')).toBe(
      'enabled\nactive',
    )
    expect(await sandbox.shell("stat -c '%a %U %G' /etc/ops/shop/api.env")).toBe('640 root shop')
  })

  it('performs a task of its user within the hardening', async () => {
    const task = await enqueue(
      'id -un; touch /srv/shop/x 2>/dev/null || echo kept out; cat /proc/self/status | grep -i nonewprivs',
    )
    await isStatus(task, 'succeeded')
    const { stdout } = await asShop('tasks', 'logs', ...task.split(' '))
    expect(stdout).toContain('shop\nkept out\nNoNewPrivs:\t1')
  })

  it('does not change if it is up to date', async () => {
    const before = [await pidOf('shop-api'), await pidOf('shop-worker@1')]
    const { stdout } = await ops('install-systemd', '--yes')
    expect(stdout).toBe('shop.target is up to date.')
    expect([await pidOf('shop-api'), await pidOf('shop-worker@1')]).toEqual(before)
    ok(await ops('install-systemd', '--check'))
  })

  it('has only the changed unit restarted', async () => {
    const before = [await pidOf('shop-api'), await pidOf('shop-worker@1')]
    await configure({ greeting: 'good day, 100% "quoted" $HOME' })
    expect((await ops('install-systemd', '--check')).exitCode).toBe(1)
    ok(await ops('install-systemd', '--yes'))
    expect(await sandbox.shell('curl -s localhost:3000')).toBe('good day, 100% "quoted" $HOME')
    expect(await pidOf('shop-api')).not.toBe(before[0])
    expect(await pidOf('shop-worker@1')).toBe(before[1])
  })

  it('is rolled back if a unit does not become ready', async () => {
    const before = await sandbox.shell('cat /etc/systemd/system/shop* /etc/ops/shop/*')
    await configure({
      command: 'echo never listens; sleep 600',
      timeout: '3s',
      more: { extra: { command: 'node api.js', port: 3001 } },
    })
    const { exitCode, stdout, stderr } = await ops('install-systemd', '--yes')
    expect(exitCode).toBe(1)
    expect(stdout).toContain('rolling back to the previous units')
    expect(stderr).toContain('never listens')
    expect(unwrapped(stderr)).toMatch(
      /shop-api\.service did not become ready \(exit-code\)\. The previous units are back/,
    )
    expect(await sandbox.shell('cat /etc/systemd/system/shop* /etc/ops/shop/*')).toBe(before)
    expect(await sandbox.shell('curl -s localhost:3000')).toContain('good day')
    expect(
      await sandbox.shell('systemctl is-active shop-extra; systemctl list-units --no-legend --all "shop-extra*"'),
    ).toBe('inactive')
    await configure({ greeting: 'good day, 100% "quoted" $HOME' })
    ok(await ops('install-systemd', '--check'))
  })

  it('reports drift, and is reset except for drop-ins', async () => {
    const dropIn = '/etc/systemd/system/shop-worker@.service.d/watchdog.conf'
    await sandbox.write(dropIn, '[Service]\nWatchdogSec=5\nRestartSec=1\n')
    await sandbox.shell('systemctl daemon-reload && systemctl restart shop-worker@1')
    await sandbox.shell('echo "Nice=5" >>/etc/systemd/system/shop-api.service')
    const { exitCode, stdout } = await ops('install-systemd', '--check')
    expect([exitCode, ...stdout.split('\n')]).toEqual([
      1,
      '/etc/systemd/system/shop-api.service differs from the configuration',
      'shop-api.service has changed on disk since systemd loaded it',
      `shop-worker@1.service is overridden by ${dropIn}`,
    ])
    const before = await pidOf('shop-api')
    expect((await ops('install-systemd', '--yes')).exitCode).toBe(0)
    expect(await sandbox.shell('grep -c Nice /etc/systemd/system/shop-api.service')).toBe('0')
    // Its process has never run with that line.
    expect(await pidOf('shop-api')).toBe(before)
    // A drop-in is no fault.
    expect(await ops('install-systemd', '--check')).toMatchObject({
      exitCode: 0,
      stdout: `shop-worker@1.service is overridden by ${dropIn}\nshop.target is up to date.`,
    })
    expect((await ops('doctor')).stdout).toMatch(/^ok +units +shop-worker@1\.service is overridden by /m)
  })

  it('has a killed worker restarted, which settles its task and starts the next', async () => {
    const [first, second] = [await enqueue('echo begun; sleep 600'), await enqueue('true')]
    await isStatus(first, 'ongoing')
    const started = performance.now()
    await sandbox.run('systemctl', 'kill', '--kill-whom=main', '--signal=SIGKILL', 'shop-worker@1')
    await until(async () => (await statusOf(second)) !== 'pending', 'the next task is under way')
    console.log(`from SIGKILL to the next task: ${Math.round(performance.now() - started)} ms, of them RestartSec=1s`)
    expect(await taskOf(first)).toMatchObject({ row: { status: 'failed', error: expect.stringContaining('died') } })
    await isStatus(second, 'succeeded')
  })

  it('has a worker that hangs restarted by the watchdog', async () => {
    const before = await sandbox.property('shop-worker@1', 'NRestarts')
    await sandbox.run('systemctl', 'kill', '--kill-whom=main', '--signal=SIGSTOP', 'shop-worker@1')
    await until(
      async () =>
        Number(await sandbox.property('shop-worker@1', 'NRestarts')) > Number(before) &&
        (await sandbox.property('shop-worker@1', 'ActiveState')) === 'active',
      'the worker is back',
      30_000,
    )
    expect(await sandbox.shell('journalctl --no-pager -o cat')).toContain('shop-worker@1.service: Watchdog timeout')
  })

  it('finishes its task at a stop that takes longer than TimeoutStopSec', async () => {
    await sandbox.write('/etc/systemd/system/shop-worker@.service.d/stop.conf', '[Service]\nTimeoutStopSec=2\n')
    await sandbox.shell('systemctl daemon-reload && systemctl restart shop-worker@1')
    const task = await enqueue('until test -e /srv/shop/go; do sleep 0.1; done')
    await isStatus(task, 'ongoing')
    const stopped = sandbox.run('systemctl', 'stop', 'shop-worker@1')
    await until(
      async () => (await sandbox.property('shop-worker@1', 'ActiveState')) === 'deactivating',
      'the worker is stopping',
    )
    // Twice as long as systemd would wait.
    await delay(4000)
    expect([await statusOf(task), await sandbox.property('shop-worker@1', 'ActiveState')]).toEqual([
      'ongoing',
      'deactivating',
    ])
    await sandbox.write('/srv/shop/go', '')
    ok(await stopped)
    expect([await statusOf(task), await sandbox.property('shop-worker@1', 'Result')]).toEqual(['succeeded', 'success'])
  })

  it('loses a service that was removed from the configuration', async () => {
    await configure({ more: { extra: { command: 'node api.js', port: 3001 } } })
    ok(await ops('install-systemd', '--yes'))
    expect(await sandbox.shell('curl -s localhost:3001')).toBe('none')
    await configure()
    ok(await ops('install-systemd', '--yes'))
    expect(
      await sandbox.shell(
        'curl -s localhost:3001; ls /etc/systemd/system /etc/ops/shop | grep extra; curl -s localhost:3000',
      ),
    ).toBe('hello')
  })

  it('does not replace a file of others', async () => {
    await configure({ more: { extra: { command: 'node api.js', port: 3001 } } })
    await sandbox.write('/etc/systemd/system/shop-extra.service', '[Service]\nExecStart=/bin/true\n')
    const { exitCode, stderr } = await ops('install-systemd', '--yes')
    expect([exitCode, unwrapped(stderr)]).toEqual([1, expect.stringContaining('is not managed by ops')])
    expect(await sandbox.read('/etc/systemd/system/shop-extra.service')).toBe('[Service]\nExecStart=/bin/true')
    await configure()
  })

  it('is uninstalled, except for its database and files of others', async () => {
    const { exitCode } = await ops('uninstall-systemd', '--yes')
    expect(exitCode).toBe(0)
    expect(
      await sandbox.shell('find /etc/systemd/system /etc/ops /var/cache/shop -name "*shop*" 2>/dev/null | sort'),
    ).toBe('/etc/systemd/system/shop-extra.service\n/etc/systemd/system/shop-worker@.service.d')
    expect(await sandbox.shell('systemctl list-units --all --no-legend "shop*"; pgrep -u shop')).toBe('')
    expect(await sandbox.shell('ls /var/lib/shop/ops.db; id -un shop')).toBe('/var/lib/shop/ops.db\nshop')
  })
})
