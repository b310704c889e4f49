import { describe, expect, it } from 'vitest'
import { TestProject } from '../support/test-project.ts'
import { until } from '../support/until.ts'
import { unwrapped } from '../support/unwrapped.ts'

describe('ops hold', () => {
  it('keeps the tasks of a key back until ops unhold, and says who holds it and why', async () => {
    const project = await TestProject.withProbe()
    const held = await project.ops('hold', 'environment:production', '--reason', 'the sale is on')
    expect(held.exitCode).toBe(0)
    expect(held.stdout).toBe(`environment:production is on hold: no deploy, rollback or flaky that needs it will start.
Release it: ops unhold environment:production`)
    project.database.exec(
      `insert into flakies (script, environment) values ('true', 'production'), ('true', 'staging')`,
    )
    await project.ops('worker', '--drain')
    expect(project.rows('select status from flakies order by id')).toEqual([
      { status: 'pending' },
      { status: 'succeeded' },
    ])
    const listed = await project.ops('holds')
    expect(listed.stdout).toMatch(/^key +since +by +reason\nenvironment:production .* \(ops hold\) +the sale is on$/)
    const { holds } = JSON.parse((await project.ops('holds', '--json')).stdout)
    expect(holds).toMatchObject([{ key: 'environment:production', reason: 'the sale is on' }])
    expect((await project.ops('unhold', 'environment:production')).stdout).toBe('Released environment:production.')
    expect((await project.ops('holds')).stdout).toBe('No keys are on hold.')
    await project.ops('worker', '--drain')
    expect(project.value('select status from flakies where id = 1')).toBe('succeeded')
    const events = project.rows<{ event: string }>(`select event from ops_audit where task_id is null order by id`)
    expect(events.map(({ event }) => event)).toEqual(['held', 'released'])
  })

  it.each([
    [
      'environment:production',
      `insert into flakies (script, environment) values ('echo $$ > pid; sleep 100', 'production')`,
      'flaky 1',
    ],
    ['processor:script', `insert into scripts (script) values ('echo $$ > pid; sleep 100')`, 'script 1'],
  ])('names the tasks that have started under %s, which finish', async (key, insert, task) => {
    const project = await TestProject.withProbe()
    project.start('worker')
    project.database.exec(insert)
    await project.pid('pid')
    const { stdout } = await project.ops('hold', key, '--json')
    expect(JSON.parse(stdout)).toMatchObject({ key, ongoing: [task] })
    await project.ops('unhold', key)
    expect((await project.ops('hold', key)).stdout).toContain(`${task} has started already and will finish.`)
  })

  it('says who put the key on hold before, and exits 1', async () => {
    const project = await TestProject.withProbe()
    await project.ops('hold', 'processor:script', '--reason', 'mine')
    const { exitCode, stderr } = await project.ops('hold', 'processor:script')
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toMatch(
      /processor:script is already on hold, by \S+ \(ops hold\) since \d{4}-\d\d-\d\d [\d:]+: mine/,
    )
  })

  it('says what is held when ops unhold names another key, and exits 1', async () => {
    const project = await TestProject.withProbe()
    await project.ops('hold', 'processor:script')
    const { exitCode, stderr } = await project.ops('unhold', 'processor:scrpit')
    expect(exitCode).toBe(1)
    expect(stderr).toBe(
      'Error: processor:scrpit is not on hold. Did you mean "processor:script"?\nUse one of: processor:script',
    )
  })

  it.each([
    ['production', 'Use one of: environment:<value>, processor:<name>'],
    ['environment:', 'is not an exclusivity key'],
    ['enviroment:production', 'Did you mean "environment"?'],
    ['processor:scrip', 'Did you mean "script"?'],
  ])('refuses %s with 2', async (key, message) => {
    const project = await TestProject.withProbe()
    const { exitCode, stderr } = await project.ops('hold', key)
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toContain(message)
    expect(project.rows('select * from ops_holds')).toEqual([])
  })

  it('is told by the worker of its release', async () => {
    const project = await TestProject.withProbe()
    await project.ops('hold', 'processor:urgent')
    project.database.exec('insert into urgencies default values')
    const worker = project.start('worker', '--poll-interval', '1h')
    await worker.event('polling')
    await project.ops('unhold', 'processor:urgent')
    await until(() => project.value('select status from urgencies') === 'succeeded', 'it has succeeded')
  })
})
