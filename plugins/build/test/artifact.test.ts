import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { removeArtifacts } from '../src/artifact.ts'
import { commit, openBench, performOne, simple, temporaryFolder } from './support.ts'

const contents = (artifact: string) => execFileSync('tar', ['-tzf', artifact], { encoding: 'utf8' }).trim().split('\n')

function repositoryOf(files: Record<string, string> = simple) {
  const folder = join(temporaryFolder(), 'shop')
  const revision = commit(folder, files)
  return { folder, revision }
}

describe('the artifact of a build', () => {
  test('has the same bytes for the same commit', async () => {
    const { folder, revision } = repositoryOf()
    const { perform } = await openBench()
    const first = await perform({ repository: folder })
    await new Promise((resolve) => setTimeout(resolve, 1100 - (Date.now() % 1000)))
    const second = await perform({ repository: folder, ref: revision })
    expect(second.result?.artifact).not.toBe(first.result?.artifact)
    expect(readFileSync(second.result!.artifact!).equals(readFileSync(first.result!.artifact!))).toBe(true)
  })

  test('is the configured folder without the git history', async () => {
    const { folder } = repositoryOf({ ...simple, '.gitignore': 'x' })
    const { result } = await performOne({ repository: folder }, { artifact: '.' })
    expect(contents(result!.artifact!)).toEqual([
      './',
      './.gitignore',
      './Makefile',
      './dist/',
      './dist/text',
      './text',
    ])
  })

  test('may be one file', async () => {
    const { folder } = repositoryOf()
    const { result } = await performOne({ repository: folder }, { artifact: 'dist/text' })
    expect(contents(result!.artifact!)).toEqual(['./text'])
  })

  test('of cargo omits intermediate results', async () => {
    const make = [
      'mkdir -p target/release/deps target/release/app.data',
      'cd target/release',
      'touch shop shop.d deps/a app.data/b.d',
    ]
    const { folder } = repositoryOf({})
    const { result } = await performOne({ repository: folder, command: make.join(' && ') })
    expect(contents(result!.artifact!)).toEqual(['./', './app.data/', './app.data/b.d', './shop'])
  })

  test('replaces what an earlier run of the same task left', async () => {
    const { folder, revision } = repositoryOf()
    const { perform, artifacts } = await openBench()
    mkdirSync(artifacts, { recursive: true })
    for (const name of ['1-aaaaaaa.tar.gz', '1-aaaaaaa.tar.gz.part', '11-aaaaaaa.tar.gz.part'])
      writeFileSync(join(artifacts, name), '')
    await perform({ repository: folder })
    expect(readdirSync(artifacts)).toEqual([`1-${revision.slice(0, 7)}.tar.gz`, '11-aaaaaaa.tar.gz.part'])
  })

  test('goes with its task, and those of others stay', async () => {
    const folder = temporaryFolder()
    const artifacts = join(folder, 'artifacts', 'builds')
    expect(await removeArtifacts(folder, [1])).toEqual({ files: 0, bytes: 0 })
    mkdirSync(artifacts, { recursive: true })
    for (const name of ['1-aaaaaaa.tar.gz', '2-aaaaaaa.tar.gz', '11-aaaaaaa.tar.gz'])
      writeFileSync(join(artifacts, name), 'abc')
    expect(await removeArtifacts(folder, [1, 2, 3])).toEqual({ files: 2, bytes: 6 })
    expect(readdirSync(artifacts)).toEqual(['11-aaaaaaa.tar.gz'])
  })

  test('leaves no partial file when packing fails', async () => {
    const { folder } = repositoryOf()
    const tools = temporaryFolder()
    writeFileSync(join(tools, 'gzip'), '#!/bin/sh\nhead -c 10; echo no space left >&2; exit 1\n', { mode: 0o755 })
    vi.stubEnv('PATH', `${tools}:${process.env.PATH}`)
    const { perform, artifacts } = await openBench()
    const { error } = await perform({ repository: folder })
    vi.unstubAllEnvs()
    expect(error).toMatch(/^`tar -cz dist` failed with exit code 2: .*no space left/)
    expect(readdirSync(artifacts)).toEqual([])
  })

  test('is kept for as many builds of its repository as configured', async () => {
    const one = repositoryOf()
    const other = repositoryOf()
    const { perform, artifacts } = await openBench({ keep: 2 })
    await perform({ repository: other.folder })
    for (let count = 0; count < 3; count++) await perform({ repository: one.folder })
    expect(readdirSync(artifacts).map((name) => name.split('-')[0])).toEqual(['1', '3', '4'])
  })

  test('has a bound, beyond which nothing is kept', async () => {
    const { folder } = repositoryOf({ Makefile: 'all:\n\tmkdir dist && head -c 200000 /dev/urandom > dist/noise\n' })
    const bench = await openBench({ maxArtifact: '100 kB' })
    const { error } = await bench.perform({ repository: folder })
    expect(error).toBe('dist is larger than 100 kB when packed; see "plugins.build.maxArtifact"')
    expect(readdirSync(bench.artifacts)).toEqual([])
  })
})
