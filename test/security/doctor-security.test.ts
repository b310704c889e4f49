import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { connect, postgresMissing, postgresUrl } from '../support/postgres-fixture.ts'
import { TestProject } from '../support/test-project.ts'
import { unless } from '../support/unless.ts'

interface Checked {
  readonly name: string
  readonly status: string
  readonly found: string
  readonly problem: { readonly code: string; readonly suggestions: readonly string[] } | null
}

async function check(project: TestProject, env: Record<string, string> = {}) {
  const { stdout, exitCode } = await project.opsWith({ env }, 'doctor', '--security', '--json')
  const { checks } = JSON.parse(stdout) as { checks: Checked[] }
  const problems = checks.flatMap(({ problem }) => problem ?? [])
  return { checks, codes: problems.map(({ code }) => code).sort(), exitCode, problems }
}

describe('ops doctor --security', () => {
  it('finds nothing in a project that is closed', async () => {
    const project = TestProject.withConfig({ plugins: { transfer: {} } })
    await project.ops('migrate')
    const { codes, exitCode } = await check(project)
    expect([codes, exitCode ?? 0]).toEqual([[], 0])
    expect((await project.ops('doctor', '--security')).stdout).toContain('No problems found.')
  })

  it('says what is open, and what to do about each', async () => {
    const project = TestProject.withConfig({ plugins: { exec: {}, build: {} } })
    await project.ops('migrate')
    chmodSync(project.path('.ops/ops.db'), 0o644)
    mkdirSync(project.path('.ops/plugins'))
    chmodSync(project.path('.ops/plugins'), 0o777)
    if (process.getuid?.() === 0) {
      project.write('.ops/logs/x.log', '')
      chownSync(project.path('.ops/logs/x.log'), 4321, 0)
    }
    const env = { OPS_TRUST_DIRECTORY: '*', PGPASSWORD: 'secret' }
    const { codes, exitCode, problems } = await check(project, env)
    expect(codes).toEqual([
      'EVERYTHING_IS_TRUSTED',
      'PASSWORD_IN_ENVIRONMENT',
      'RUNS_PROGRAMS',
      'RUNS_PROGRAMS',
      ...(process.getuid?.() === 0 ? ['STATE_IS_FOREIGN'] : []),
      'STATE_IS_OPEN',
      'UNTRUSTED_FOLDER',
    ])
    expect(exitCode).toBe(1)
    expect(problems.every(({ suggestions }) => suggestions.length > 0)).toBe(true)
  })

  it('names the roles that may create objects in the schema', unless(postgresMissing), async () => {
    const url = await postgresUrl()
    const project = TestProject.withConfig({ database: url, plugins: { transfer: {} } })
    const database = await connect(url)
    await database.query('grant create on schema public to public')
    const open = (await check(project)).problems.find(({ code }) => code === 'SCHEMA_IS_OPEN')
    expect(open?.suggestions).toContain('revoke create on schema "public" from public')
    await database.query('revoke create on schema public from public')
    const { checks } = await check(project)
    expect(checks.find(({ name }) => name === 'schema')?.found).not.toContain('lets public')
  })
})
