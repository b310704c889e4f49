import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import * as v from 'valibot'
import { onTestFinished } from 'vitest'
import { toQueuedTable } from '../../../src/processor/to-queued-table.ts'
import { openQueue } from '../../../src/queue/open-queue.ts'
import { performTask } from '../../../src/worker/perform-task.ts'
import { RunContext } from '../../../src/worker/run-context.ts'
import build, { builds } from '../src/build.ts'
import { settings as schema } from '../src/settings.ts'

type Row = (typeof builds)['$inferSelect']
type Values = (typeof builds)['$inferInsert']

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ops build '))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** git as a developer runs it, without this machine's configuration. */
export function git(folder: string, ...args: string[]): string {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' }
  const who = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-c', 'protocol.file.allow=always']
  return execFileSync('git', [...who, '-C', folder, ...args], { encoding: 'utf8', env, stdio: 'pipe' }).trim()
}

/** Writes files into a repository, makes it if need be, and commits. */
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

/** A Makefile that makes `dist` of one text. */
export const simple = { Makefile: 'all:\n\tmkdir -p dist && cp text dist/\n', text: 'hello\n' }

/** A project of its own with its database, in which builds are performed as the worker performs them. */
export async function workshop(options: object = {}) {
  const project = temporaryFolder()
  const state = join(project, '.ops')
  const settings = v.parse(schema, options)
  const queued = toQueuedTable(build, settings)
  const queue = await openQueue('sqlite:.ops/ops.db', { directory: project })
  onTestFinished(() => queue.close())
  await queue.migrate([{ name: 'build', directory: join(import.meta.dirname, '..', 'migrations') }], [queued])
  await queue.startWorker({ id: 'worker', host: 'here', pid: process.pid, version: '0' })
  const environment = { queue, workerId: 'worker', stateDirectory: state, projectDirectory: project }

  async function start(values: Values) {
    await queue.enqueue(builds, [values])
    const claim = (await queue.claim([queued]))!
    const context = new RunContext(claim, settings, environment)
    const { logFile, progress } = context
    const notes: string[] = []
    context.progress = (fraction, note) => {
      notes.push(note!)
      progress(fraction, note)
    }
    const log = () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '')
    const ended = performTask(claim, { processor: build }, context).then(async ({ outcome }) => {
      await queue.settle(claim.run, outcome!)
      const row = (await queue.find(builds, claim.run.taskId)) as Row
      const { revision, artifact, artifactSize, artifactSha256 } = row
      const result = row.status === 'succeeded' ? { revision, artifact, artifactSize, artifactSha256 } : undefined
      return { result, error: row.error ?? undefined, log: log(), notes }
    })
    return { context, log, ended }
  }

  return {
    project,
    start,
    perform: async (values: Values) => (await start(values)).ended,
    cache: join(state, 'cache', 'build'),
    artifacts: join(state, 'artifacts', 'builds'),
  }
}

/** One build in a project of its own. */
export async function performOne(values: Values, settings: object = {}) {
  return (await workshop(settings)).perform(values)
}
