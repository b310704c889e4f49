import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ops-sample-'))
  const script = join(import.meta.dirname, '..', '..', 'examples', 'shop', 'sample-repository.js')
  cpSync(script, join(directory, 'sample-repository.mjs'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const make = () => execFileSync(process.execPath, [join(directory, 'sample-repository.mjs')], { encoding: 'utf8' })
const git = (...args: string[]) =>
  execFileSync('git', ['-C', join(directory, '.ops', 'sample'), ...args], { encoding: 'utf8' }).trim()

it('creates the same two commits on every machine, once', () => {
  expect(make()).toContain('Created')
  const revision = git('rev-parse', 'HEAD')
  expect(git('rev-list', '--count', 'HEAD')).toBe('2')
  expect(make()).toContain('already exists')

  rmSync(join(directory, '.ops'), { recursive: true })
  make()
  expect(git('rev-parse', 'HEAD')).toBe(revision)
  expect(readdirSync(join(directory, '.ops'))).toEqual(['sample'])
})

it('creates a repository that builds', () => {
  make()
  const sample = join(directory, '.ops', 'sample')
  execFileSync('npm', ['run', 'build'], { cwd: sample, stdio: 'pipe' })
  expect(readdirSync(join(sample, 'dist'))).toEqual(['index.html'])
  expect(git('status', '--short')).toBe('')
})
