import { chownSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { unless } from '../../../test/support/unless.ts'
import { commit, git, openBench, performOne, simple, temporaryFolder } from './support.ts'

function shop() {
  const folder = join(temporaryFolder(), 'shop')
  commit(folder, simple)
  return folder
}

const mirrorIn = (cache: string) =>
  join(cache, readdirSync(cache).find((name) => /^shop-[0-9a-f]{12}\.git$/.test(name))!)

describe('the mirror of a repository', () => {
  test('is cloned once, then fetched into', async () => {
    const folder = shop()
    const { perform, cache } = await openBench()
    const first = await perform({ repository: folder })
    expect(first.log).toContain('clone --mirror')
    expect(first.log).toMatch(/Receiving objects: 100%|Resolving deltas|remote: Enumerating objects/)
    const revision = commit(folder, { text: 'new\n' })
    const second = await perform({ repository: folder })
    expect(second.result?.revision).toBe(revision)
    expect(second.log).not.toContain('clone --mirror')
    expect(readdirSync(cache)).toHaveLength(1)
  })

  test('drops a deleted branch, also when its name is a prefix of a new one', async () => {
    const folder = shop()
    git(folder, 'branch', 'fix')
    const { perform } = await openBench()
    expect((await perform({ repository: folder, ref: 'fix' })).error).toBeUndefined()
    git(folder, 'branch', '--move', 'fix', 'fix/one')
    expect((await perform({ repository: folder, ref: 'fix/one' })).error).toBeUndefined()
    expect((await perform({ repository: folder, ref: 'fix' })).error).toContain('has no branch, tag or commit "fix"')
  })

  test('follows a rewritten branch', async () => {
    const folder = shop()
    const { perform } = await openBench()
    await perform({ repository: folder })
    git(folder, 'commit', '--quiet', '--amend', '--message', 'another')
    const { result } = await perform({ repository: folder, ref: 'main' })
    expect(result?.revision).toBe(git(folder, 'rev-parse', 'HEAD'))
  })

  test('serves a known commit without contacting the repository', async () => {
    const folder = shop()
    const revision = git(folder, 'rev-parse', 'HEAD')
    const { perform } = await openBench()
    await perform({ repository: folder })
    rmSync(join(folder, '.git', 'HEAD'))
    expect((await perform({ repository: folder, ref: revision })).result?.revision).toBe(revision)
  })

  test.each([
    ['has lost its objects', (mirror: string) => rmSync(join(mirror, 'objects'), { recursive: true })],
    ['has lost its HEAD', (mirror: string) => rmSync(join(mirror, 'HEAD'))],
    ['has damaged objects', damageObjects],
  ])('is cloned again, once, when it %s', async (_what, damage) => {
    const folder = shop()
    const { perform, cache } = await openBench()
    await perform({ repository: folder })
    damage(mirrorIn(cache))
    for (const ref of ['main', 'HEAD']) {
      const { result, error } = await perform({ repository: folder, ref })
      expect(error).toBeUndefined()
      expect(result?.revision).toBe(git(folder, 'rev-parse', 'HEAD'))
    }
    expect(readdirSync(cache)).toHaveLength(1)
  })

  test('stays when the repository is unreachable', async () => {
    const folder = shop()
    const { perform, cache } = await openBench()
    await perform({ repository: folder })
    rmSync(join(folder, '.git', 'HEAD'))
    expect((await perform({ repository: folder })).error).toMatch(
      /^cannot read repository .*: .* is not a git repository$/,
    )
    expect(mirrorIn(cache)).toBeTruthy()
  })

  test('is complete or missing: what killed clones left is removed', async () => {
    const folder = shop()
    const { perform, cache } = await openBench()
    await perform({ repository: folder })
    const mirror = mirrorIn(cache)
    rmSync(mirror, { recursive: true })
    for (const name of ['new-2', 'new-77', 'new-78']) mkdirSync(`${mirror}.${name}`)
    utimesSync(`${mirror}.new-77`, 1, 1)
    expect((await perform({ repository: folder })).error).toBeUndefined()
    // 78 may be a build that is cloning.
    expect(readdirSync(cache).map((name) => name.replace(/^.*\.git/, ''))).toEqual(['', '.new-78'])
  })

  test('is cloned once by parallel builds', async () => {
    const folder = shop()
    const { perform, cache } = await openBench({ parallel: true })
    const first = await Promise.all(Array.from({ length: 5 }, () => perform({ repository: folder })))
    commit(folder, { text: 'new\n' })
    const second = await Promise.all(Array.from({ length: 5 }, () => perform({ repository: folder })))
    expect([...first, ...second].map(({ error }) => error)).toEqual(Array(10).fill(undefined))
    expect(readdirSync(cache)).toHaveLength(1)
  })

  test(
    'may belong to another user',
    unless(process.getuid?.() === 0 ? undefined : 'only root may give a repository away'),
    async () => {
      const folder = shop()
      for (const path of [folder, join(folder, '.git')]) chownSync(path, 65534, 65534)
      const { error } = await performOne({ repository: folder })
      expect(error).toBeUndefined()
    },
  )
})

function damageObjects(mirror: string): void {
  const objects = join(mirror, 'objects')
  for (const entry of readdirSync(objects, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name.endsWith('.idx')) continue
    const path = join(entry.parentPath, entry.name)
    rmSync(path)
    writeFileSync(path, 'damaged')
  }
}
