import { chmodSync, existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { probePlugin, TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'
import { writePlugin } from '../support/write-plugin.ts'

const probe = { name: 'ops-plugin-probe', root: probePlugin }

describe('ops worker', () => {
  it('works in an empty folder, right after ops enqueue', async () => {
    const project = new TestProject()
    const added = await project.ops('enqueue', 'build', '--repository', 'no-such-repository')
    expect(added).toMatchObject({ exitCode: 0, stdout: 'build 1' })
    const worked = await project.ops('worker', '--drain')
    expect(worked.exitCode).toBe(0)
    expect(project.value('select status from builds')).toBe('failed')
    expect(project.value('select error from builds')).toContain('no-such-repository')
  })

  it('migrates the database, and logs that as JSON', async () => {
    const project = new TestProject()
    const { stdout } = await project.ops('worker', '--drain')
    const events = stdout.split('\n').map((line) => JSON.parse(line))
    expect(events.map(({ event }) => event)).toEqual(['migrated', 'polling', 'stopped'])
    expect(events[0]).toMatchObject({ created: project.path('.ops/ops.db'), count: 5 })
    expect(events[0].message).toMatch(/^created the database \/.*ops\.db, applied 5 migrations$/)
    expect(events[1]).toMatchObject({ level: 'info', database: project.path('.ops/ops.db') })
    expect(events[1].processors).toEqual(['build', 'deploy', 'rollback', 'exec', 'export', 'import'])
  })

  it('logs text with OPS_LOG_FORMAT=text', async () => {
    const project = await TestProject.withProbe()
    project.database.exec('insert into urgencies default values')
    const { stdout } = await project.opsWith({ env: { OPS_LOG_FORMAT: 'text' } }, 'worker', '--drain')
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d polling .*\n\d\d:\d\d:\d\d started urgent 1\n/)
    expect(stdout).toMatch(/\n\d\d:\d\d:\d\d urgent 1 succeeded in .*\n/)
  })

  it('says in its help how often it polls and how long a stop waits', async () => {
    const { stdout } = await new TestProject().ops('worker', '--help')
    expect(unwrapped(stdout)).toContain('poll at least this often [default: 1s]')
    expect(unwrapped(stdout)).toContain('how long a stop waits for the running task [default: 10m]')
  })

  it('tells systemd that it is ready as soon as it polls', async () => {
    const project = await TestProject.withProbe()
    chmodSync(project.write('bin/systemd-notify', '#!/bin/sh\necho "$*" >> "$NOTIFY_SOCKET"\n'), 0o755)
    const env = { NOTIFY_SOCKET: project.path('said'), PATH: `${project.path('bin')}:${process.env.PATH}` }
    await project.opsWith({ env }, 'worker', '--drain')
    expect(project.read('said')).toBe('READY=1 STATUS=waiting for tasks\n')
  })

  it('returns with --json how many runs it ended, with the events on standard error', async () => {
    const project = await TestProject.withProbe()
    project.database.exec(`insert into outcomes (how) values ('throws'), ('nothing'), ('columns')`)
    const { stdout, stderr, exitCode } = await project.ops('worker', '--drain', '--json')
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ succeeded: 2, failed: 1, canceled: 0, returned: 0 })
    expect(stderr).toContain('outcome 1 failed')
  })

  it('does not migrate on a server, and skips processors without a table', async () => {
    const project = new TestProject()
    project.link(probe)
    const server = { env: { STATE_DIRECTORY: project.path('.ops') } }
    const before = await project.opsWith(server, 'worker', '--drain')
    expect(before.exitCode).toBe(1)
    expect(unwrapped(before.stderr)).toContain('cannot be used: the file does not exist.')
    project.link()
    await project.ops('migrate')
    project.link(probe)
    const { exitCode, stdout } = await project.opsWith(server, 'worker', '--drain')
    expect(exitCode).toBe(0)
    expect(stdout).toContain('The table \\"samples\\" of \\"sample\\" does not exist. Try: ops migrate')
  })

  it('rejects an unknown processor in --only with 2, before it migrates or claims anything', async () => {
    const project = new TestProject()
    project.link(probe)
    const { exitCode, stdout, stderr } = await project.ops('worker', '--drain', '--only', 'urgent,ordinray')
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toContain('Did you mean "ordinary"?')
    expect(existsSync(project.path('.ops'))).toBe(false)
  })

  it('continues without a broken plugin, and refuses to start when it is named', async () => {
    const project = await TestProject.withProbe()
    project.link(probe, writePlugin('broken', `export default 'nothing of use'`))
    project.database.exec('insert into urgencies default values')
    const { exitCode, stdout } = await project.ops('worker', '--drain')
    expect(exitCode).toBe(0)
    expect(stdout).toContain('ops-plugin-broken@1.2.3 cannot be loaded')
    expect(project.value('select status from urgencies')).toBe('succeeded')
    const named = await project.ops('worker', '--drain', '--only', 'broken')
    expect(named.exitCode).toBe(1)
    expect(unwrapped(named.stderr)).toContain('The processor "broken" of ops-plugin-broken@1.2.3 cannot be loaded')
  })

  it.each([
    ['--poll-interval', 'often'],
    ['--grace', '10'],
  ])('rejects %s %s with 2', async (flag, value) => {
    const { exitCode, stderr } = await new TestProject().ops('worker', '--drain', flag, value)
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toContain(`expected a duration such as "10m", got "${value}"`)
  })
})
