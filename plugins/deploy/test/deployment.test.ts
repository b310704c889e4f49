import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isRunning } from '../../../test/support/test-project.ts'
import { unless } from '../../../test/support/unless.ts'
import { until } from '../../../test/support/until.ts'
import { DeployProject } from './deploy-project.ts'
import { type Sshd, sshdMissing, startSshd } from './sshd.ts'

function scenario(sshd: () => Sshd | undefined) {
  test('waits for its build, becomes current, and goes back if a release fails', async () => {
    const shop = new DeployProject(sshd())
    const { project } = shop
    await shop.serve()
    shop.configure()
    await shop.commit({ text: 'one\n' })
    expect((await project.ops('enqueue', 'build', '--repository', project.path('shop'))).stdout).toBe('build 1')
    expect((await project.ops('enqueue', 'deploy', '--build-id', '1', '--environment', 'staging')).stdout).toBe(
      'deploy 1',
    )
    await shop.work()
    expect(shop.task('deployments', 1)).toEqual({ status: 'succeeded', error: null, release: 1 })
    expect(readFileSync(shop.path('current/text'), 'utf8')).toBe('one\n')
    expect(shop.history).toEqual(['before 1', 'after 1'])
    const { revision } = project.rows<{ revision: string }>('select revision from builds')[0]!
    expect(JSON.parse(readFileSync(shop.path('current/.ops-release/release.json'), 'utf8'))).toMatchObject({
      environment: 'staging',
      build: 1,
      revision,
      deployment: 1,
      run: project.value(`select id from ops_runs where task_table = 'deployments'`),
    })

    shop.unhealthy.add(2)
    await shop.commit({ text: 'two\n' })
    await project.ops('enqueue', 'build', '--repository', project.path('shop'))
    await project.ops('enqueue', 'deploy', '--build-id', '2', '--environment', 'staging')
    await shop.work()
    expect(shop.task('builds', 2).status).toBe('succeeded')
    const failed = shop.task('deployments', 2)
    expect(failed).toMatchObject({ status: 'failed', release: null })
    expect(failed.error).toMatch(
      /^release 2 failed: http:.*\/health was not healthy within 3\.0 s: answered 500, expected a status below 400; release 1 is current again$/,
    )
    expect(readFileSync(shop.path('current/text'), 'utf8')).toBe('one\n')
    expect(shop.history.slice(2)).toEqual(['before 2', 'after 2', 'after 1'])
    const { stdout } = await project.ops('releases', 'staging')
    expect(stdout).toMatch(/^ *1 .* current/m)
    expect(stdout).toMatch(/^ *2 .* withdrawn .*answered 500/m)
  })

  test('that is canceled after the switch goes back and ends what it started', async () => {
    const shop = new DeployProject(sshd())
    await shop.withBuild()
    shop.deploy()
    await shop.work()
    writeFileSync(shop.path('slow'), '')
    const id = shop.deploy()
    const worker = shop.project.start('worker')
    await until(() => existsSync(shop.path('pid')) && shop.current === 2, 'the command after the switch runs')
    const pid = Number(readFileSync(shop.path('pid'), 'utf8'))
    rmSync(shop.path('slow'))
    await shop.project.ops('tasks', 'cancel', 'deploy', String(id))
    await until(() => shop.task('deployments', id).status === 'canceled', 'the deployment is canceled')
    expect(shop.current).toBe(1)
    expect(shop.history.at(-1)).toBe('after 1')
    expect(shop.log('deployments', id)).toContain('release 1 is current again\n')
    await until(() => !isRunning(pid), 'the command has ended')
    worker.kill('SIGTERM')
    await worker.exit
  })
}

describe('a deployment on this machine', () => {
  scenario(() => undefined)
})

describe('a deployment over ssh', unless(sshdMissing), () => {
  let sshd: Sshd
  beforeAll(async () => {
    sshd = await startSshd()
  })
  afterAll(() => sshd.stop())
  scenario(() => sshd)

  test('whose worker is killed leaves no command running on the host', async () => {
    const shop = new DeployProject(sshd)
    await shop.withBuild()
    shop.configure({ before: 'echo $$ > ../../pid; sleep 60; true' })
    shop.deploy()
    const worker = shop.project.start('worker')
    await until(() => existsSync(shop.path('pid')), 'the command runs')
    const pid = Number(readFileSync(shop.path('pid'), 'utf8'))
    worker.kill('SIGKILL')
    await until(() => !isRunning(pid), 'the command has ended')
    shop.configure()
    shop.deploy()
    await shop.work()
    expect(shop.task('deployments', 1).error).toMatch(/^worker .* died$/)
    expect(shop.task('deployments', 2)).toMatchObject({ status: 'succeeded', release: 1 })
  })
})

describe('a deployment', () => {
  test('that is canceled before the switch changes nothing', async () => {
    const shop = new DeployProject()
    await shop.withBuild()
    shop.deploy()
    await shop.work()
    shop.configure({ before: 'touch ../../waiting; sleep 60' })
    const id = shop.deploy()
    const worker = shop.project.start('worker')
    await until(() => existsSync(shop.path('waiting')), 'the command before the switch runs')
    await shop.project.ops('tasks', 'cancel', 'deploy', String(id))
    await until(() => shop.task('deployments', id).status === 'canceled', 'the deployment is canceled')
    expect(shop.current).toBe(1)
    expect(readdirSync(shop.path('releases'))).toEqual(['1'])
    worker.kill('SIGTERM')
    await worker.exit
  })

  test('that fails as the first one leaves no current release, and the next one works', async () => {
    const shop = new DeployProject()
    await shop.withBuild()
    shop.unhealthy.add(1)
    const first = shop.deploy()
    await shop.work()
    expect(shop.task('deployments', first).error).toMatch(/; no release is current, because it was the first$/)
    expect(existsSync(shop.path('current'))).toBe(false)
    const second = shop.deploy()
    await shop.work()
    expect(shop.task('deployments', second)).toEqual({ status: 'succeeded', error: null, release: 2 })
    expect(readdirSync(shop.path('releases'))).toEqual(['1', '2'])
  })

  test('fails with a command before the switch, and leaves nothing of the release', async () => {
    const shop = new DeployProject()
    await shop.withBuild()
    shop.configure({ before: 'echo no database >&2; exit 4' })
    const id = shop.deploy()
    await shop.work()
    expect(shop.task('deployments', id).error).toBe(
      '`echo no database >&2; exit 4` failed with exit code 4: no database',
    )
    expect(readdirSync(shop.path('releases'))).toEqual([])
  })

  test('reports a failed build and a missing or changed artifact', async () => {
    const shop = new DeployProject()
    await shop.withBuild()
    const { project } = shop
    const artifact = project.value<string>('select artifact from builds where id = 1')
    await project.ops('enqueue', 'build', '--repository', project.path('shop'), '--command', 'false')
    await project.ops('enqueue', 'build', '--repository', project.path('shop'), '--command', 'true')
    const failed = shop.deploy(2)
    const empty = shop.deploy(3)
    await shop.work()
    expect(shop.task('deployments', failed).error).toBe('build 2 failed')
    expect(shop.task('deployments', empty).error).toMatch(/^build 3 has no artifact; set /)
    writeFileSync(artifact, 'changed')
    const changed = shop.deploy()
    await shop.work()
    expect(shop.task('deployments', changed).error).toMatch(/^the artifact of build 1 has changed: expected sha256/)
    rmSync(artifact)
    const gone = shop.deploy()
    await shop.work()
    expect(shop.task('deployments', gone).error).toMatch(/^the artifact of build 1 does not exist/)
  })

  test('keeps as many releases as configured', async () => {
    const shop = new DeployProject()
    await shop.withBuild()
    for (let count = 0; count < 5; count += 1) shop.deploy()
    await shop.work()
    expect(readdirSync(shop.path('releases'))).toEqual(['3', '4', '5'])
    expect(shop.current).toBe(5)
  })

  test('of an unknown environment is refused with a suggestion', async () => {
    const shop = new DeployProject()
    await shop.withBuild()
    const { exitCode, stderr } = await shop.project.ops(
      'enqueue',
      'deploy',
      '--build-id',
      '1',
      '--environment',
      'stagin',
    )
    expect(exitCode).toBe(2)
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain('Unknown environment "stagin". Did you mean "staging"?')
    expect(shop.project.value('select count(*) from deployments')).toBe(0)
    shop.project.database.exec(`insert into deployments (environment, build_id) values ('stagin', 1)`)
    await shop.work()
    expect(shop.task('deployments', 1).error).toMatch(
      /^"environment": Unknown environment "stagin". Did you mean "staging"\?$/,
    )
  })
})

describe('a rollback', () => {
  test('goes to the previous release that worked, further back each time, or to a given one', async () => {
    const shop = new DeployProject()
    await shop.withBuild()
    for (let count = 0; count < 3; count += 1) shop.deploy()
    shop.unhealthy.add(2)
    await shop.work()
    const before = shop.history.length
    const first = shop.rollback()
    await shop.work()
    expect(shop.task('rollbacks', first)).toEqual({ status: 'succeeded', error: null, release: 1 })
    expect(shop.history.slice(before)).toEqual(['after 1'])
    const ids = [shop.rollback(), shop.rollback(1), shop.rollback(9), shop.rollback(3)]
    await shop.work()
    expect(ids.map((id) => shop.task('rollbacks', id).error)).toEqual([
      'staging has no previous release that worked; set "toRelease" (existing releases: 1, 2, 3)',
      'release 1 is already the current one of staging',
      'staging has no release 9; existing releases: 1, 2, 3',
      null,
    ])
    expect(shop.current).toBe(3)
  })

  test('to an unhealthy release returns to the one it came from', async () => {
    const shop = new DeployProject()
    await shop.withBuild()
    shop.deploy()
    shop.deploy()
    await shop.work()
    shop.unhealthy.add(1)
    const id = shop.rollback()
    await shop.work()
    expect(shop.task('rollbacks', id).error).toMatch(/^release 1 failed: .*; release 2 is current again$/)
    expect(shop.current).toBe(2)
  })
})
