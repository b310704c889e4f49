import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { execaSync } from 'execa'
import { describe, expect, it, onTestFinished } from 'vitest'
import { TestProject } from '../support/test-project.ts'

/** Everything below a folder that the group or others can use, as `mode path`. */
function open(folder: string): string[] {
  const paths = ['.', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })]
  return paths
    .map((path) => ({ path, stats: statSync(join(folder, path), { throwIfNoEntry: false }) }))
    .filter(({ stats }) => stats !== undefined && (stats.mode & 0o077) !== 0)
    .map(({ path, stats }) => `${(stats!.mode & 0o7777).toString(8)} ${path}`)
}

const names = (project: TestProject) => readdirSync(project.path('.ops'), { recursive: true, encoding: 'utf8' })

function repository(project: TestProject): void {
  const git = ['-c', 'user.name=x', '-c', 'user.email=x@example.com', '-C', project.path('repository')]
  project.write('repository/dist/page.html', 'text')
  for (const args of [
    ['init', '--quiet'],
    ['add', '.'],
    ['commit', '--quiet', '--message', 'x'],
  ]) {
    execaSync('git', [...git, ...args])
  }
}

describe('the state of a project', () => {
  it('can be used by nobody else, whatever the umask', async () => {
    const services = { api: { command: 'echo started', restart: 'never' } } as const
    const project = TestProject.withConfig({ services, plugins: { build: {}, exec: {} } })
    repository(project)
    const umask = process.umask(0)
    onTestFinished(() => void process.umask(umask))
    await project.ops('enqueue', 'exec', '--command', 'echo secret')
    await project.ops('enqueue', 'build', '--repository', 'repository', '--command', 'true')
    // Open, so that the write-ahead log and the shared memory are there.
    expect(project.rows('select status from commands')).toEqual([{ status: 'pending' }])
    await project.ops('worker', '--drain')
    await project.ops('start-services', 'api')
    expect(project.rows('select status from builds')).toEqual([{ status: 'succeeded' }])
    expect(names(project)).toEqual(
      expect.arrayContaining([
        ...['ops.db', 'ops.db-wal', 'ops.db-shm', 'logs/commands/1.1.log', 'logs/services/api.log', 'artifacts/builds'],
      ]),
    )
    // What git writes is in folders that nobody else can enter.
    expect(open(project.path('.ops')).filter((line) => !line.includes(' cache/build/'))).toEqual([])
    const [archive] = readdirSync(project.path('.ops/artifacts/builds'))
    const { stdout } = execaSync('tar', ['-tvzf', project.path(join('.ops/artifacts/builds', archive!))])
    expect(stdout).toMatch(/^-rw-r--r-- .*page\.html$/m)
  })

  it('keeps it private where an installation of plugins has created the folder', async () => {
    const project = TestProject.withConfig({ plugins: { exec: {} } })
    project.write('.ops/plugins/package.json', '{}')
    await project.ops('migrate')
    expect(open(project.path('.ops')).filter((line) => !line.includes('plugins'))).toEqual([])
  })
})
