import { writeFileSync } from 'node:fs'
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { opsProgram, TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'

async function projectWithLog(): Promise<TestProject> {
  const project = await TestProject.withProbe()
  project.addScript('echo one; printf two')
  await project.ops('worker', '--drain')
  return project
}

describe('ops tasks logs', () => {
  it('prints the bytes of the log and nothing else', async () => {
    const project = await projectWithLog()
    const bytes = Buffer.from([0x61, 0xff, 0x0d, 0x1b, 0x5b, 0x33, 0x31, 0x6d, 0x00, 0x25, 0x73])
    writeFileSync(project.path('.ops/logs/scripts/1.1.log'), bytes)
    const { env, directory } = project
    const options = { env, cwd: directory, extendEnv: false, encoding: 'buffer', stripFinalNewline: false } as const
    const { stdout, stderr } = await execa(process.execPath, [opsProgram, 'tasks', 'logs', 'script', '1'], options)
    expect(Buffer.from(stdout)).toEqual(bytes)
    expect(stderr).toHaveLength(0)
  })

  it('prints the latest attempt, or the one that is asked for', async () => {
    const project = await projectWithLog()
    project.database.exec(`insert into scripts (script) values ('echo attempt $OPS_RUN_ID; exit 1')`)
    await project.ops('worker', '--drain')
    await project.ops('tasks', 'retry', 'script', '2')
    await project.ops('worker', '--drain')
    const [first, second] = project.rows<{ id: number }>('select id from ops_runs where task_id = 2 order by id')
    const latest = await project.ops('tasks', 'logs', 'script', '2')
    expect(latest.stdout.split('\n')[0]).toBe(`attempt ${second!.id}`)
    const asked = await project.ops('tasks', 'logs', 'script', '2', '--attempt', '1')
    expect(asked.stdout.split('\n')[0]).toBe(`attempt ${first!.id}`)
    const missing = await project.ops('tasks', 'logs', 'script', '2', '--attempt', '7')
    expect(missing.exitCode).toBe(1)
    expect(unwrapped(missing.stderr)).toContain('script 2 has no attempt 7. Use one of: 1, 2')
  })

  it('returns the text with --json', async () => {
    const project = await projectWithLog()
    const { stdout } = await project.ops('tasks', 'logs', 'script', '1', '--json')
    const file = project.path('.ops/logs/scripts/1.1.log')
    expect(JSON.parse(stdout)).toEqual({ task: 'script 1', attempt: 1, file, text: 'one\ntwo' })
  })

  it('says beside the output that there is no log yet, or none at all, and exits 0', async () => {
    const project = await TestProject.withProbe()
    project.addScript('true')
    const before = await project.ops('tasks', 'logs', 'script', '1')
    expect(before).toMatchObject({ exitCode: 0, stdout: '' })
    expect(before.stderr).toBe('script 1 has not started yet, so it has no log.')
    await project.ops('worker', '--drain')
    const after = await project.ops('tasks', 'logs', 'script', '1')
    expect(after).toMatchObject({ exitCode: 0, stdout: '' })
    const json = await project.ops('tasks', 'logs', 'script', '1', '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({ task: 'script 1', attempt: 1 })
  })

  it('follows the log until the task has ended, over several attempts', async () => {
    const project = await TestProject.withProbe()
    project.database.exec(
      `insert into flakies (script) values ('echo try; [ -e go ] || { touch go; exit 1; }; echo done')`,
    )
    const following = project.start('tasks', 'logs', 'flaky', '1', '--follow')
    await following.says('── flaky 1 pending')
    project.start('worker')
    expect(await following.exit).toBe(0)
    const { output } = following
    expect(output.match(/^try$/gm)).toHaveLength(2)
    expect(output).toContain('done\n')
    expect(output).toContain('── flaky 1 succeeded')
  })

  it('keeps the news out of the followed log', async () => {
    const project = await projectWithLog()
    const { stdout, stderr, exitCode } = await project.ops('tasks', 'logs', 'script', '1', '-f')
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: 'one\ntwo', stderr: '── script 1 succeeded' })
  })
})
