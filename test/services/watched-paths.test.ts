import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { requireWatched, watchPaths } from '../../src/services/watched-paths.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/until.ts'
import { service } from './planned.ts'

/** Files in a folder of their own, with a count of the changes that the service "api" is told of. */
async function watching(...patterns: string[]) {
  const folder = temporaryFolder()
  const write = (name: string, text = name) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  for (const name of ['src/api.ts', 'src/deep/part.ts', 'src/notes.md', 'src/node_modules/x/index.ts', '.env'])
    write(name)
  const api = service('api', { watch: patterns.map((pattern) => join(folder, pattern)) })
  let count = 0
  const watched = watchPaths(
    [api, service('web')],
    (name) => {
      expect(name).toBe('api')
      count += 1
    },
    (_, error) => {
      throw error
    },
  )
  onTestFinished(() => watched.close())
  // The watcher of a tree is told of what was written just before it began.
  await sleep(300)
  count = 0
  return { folder, write, count: () => count }
}

const told = (count: () => number) => until(() => count() > 0, 'the change is told')

describe('a watched path', () => {
  it('tells a change below a folder, and many at once as one', async () => {
    const { write, count } = await watching('src')
    write('src/api.ts', 'changed')
    write('src/deep/part.ts', 'changed')
    await told(count)
    expect(count()).toBe(1)
  })

  it('tells only what a pattern means', async () => {
    const { write, count } = await watching('src/**/*.ts')
    write('src/notes.md', 'changed')
    write('src/node_modules/x/index.ts', 'changed')
    await sleep(500)
    expect(count()).toBe(0)
    write('src/deep/part.ts', 'changed')
    await told(count)
  })

  it('tells a file that is replaced, each time', async () => {
    const { folder, write, count } = await watching('.env')
    for (const round of [1, 2]) {
      write('.env.new', `A=${round}`)
      renameSync(join(folder, '.env.new'), join(folder, '.env'))
      await until(() => count() >= round, `replacement ${round} is told`)
    }
  })

  it('is refused where there is nothing', () => {
    const services = [service('api.1', { watch: ['/nowhere/src', '/nowhere/*.ts', '/'] })]
    expect(() => requireWatched(services)).toThrowError(
      expect.objectContaining({
        message: expect.stringContaining('services.api.watch: there is no /nowhere/src'),
        oclif: { exit: 78 },
      }),
    )
  })
})
