import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openTestBench } from '@ops-cli/core/testing'
import { onTestFinished } from 'vitest'
import build, { type builds } from '../src/build.ts'

type Values = (typeof builds)['$inferInsert']

/** A folder that is removed after the test. Its name has a space. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ops build '))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Runs git without the configuration of this machine. */
export function git(folder: string, ...args: string[]): string {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' }
  const who = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-c', 'protocol.file.allow=always']
  return execFileSync('git', [...who, '-C', folder, ...args], { encoding: 'utf8', env, stdio: 'pipe' }).trim()
}

/** Writes files into a repository, which is created if missing, and commits them. */
export function commit(folder: string, files: Readonly<Record<string, string>>): string {
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true })
    git(folder, 'init', '--quiet', '--initial-branch=main')
  }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  git(folder, 'add', '--all')
  git(folder, 'commit', '--quiet', '--allow-empty', '--message', 'a change')
  return git(folder, 'rev-parse', 'HEAD')
}

/** A Makefile that copies one text to `dist`. */
export const simple = { Makefile: 'all:\n\tmkdir -p dist && cp text dist/\n', text: 'hello\n' }

/** A project in which builds run as a worker runs them. */
export async function openBench(settings: object = {}) {
  const bench = await openTestBench(build, { settings, migrations: join(import.meta.dirname, '..', 'migrations') })
  onTestFinished(() => bench.close())

  return {
    project: bench.directory,
    start: (values: Values) => bench.start(values),
    async perform(values: Values) {
      const { task, log, progress } = await bench.perform(values)
      const { revision, artifact, artifactSize, artifactSha256 } = task
      const result = task.status === 'succeeded' ? { revision, artifact, artifactSize, artifactSha256 } : undefined
      return { result, error: task.error ?? undefined, log, notes: progress.map(({ note }) => note) }
    },
    cache: join(bench.stateDirectory, 'cache', 'build'),
    artifacts: join(bench.stateDirectory, 'artifacts', 'builds'),
  }
}

/** Runs one build in a project of its own. */
export async function performOne(values: Values, settings: object = {}) {
  return (await openBench(settings)).perform(values)
}
