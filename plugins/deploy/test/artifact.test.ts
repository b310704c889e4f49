import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findArtifact, isUnsafe } from '../src/artifact.ts'
import { standaloneRunner } from '../src/runner.ts'
import { makeArtifact, sha256, temporaryFolder } from './support.ts'

const { signal } = new AbortController()

async function find(build: { artifact: string | null; artifactSha256: string | null } | undefined) {
  const row = build && { ref: 'main', revision: 'abc', ...build }
  return findArtifact(3, { find: async () => row as never, signal }, standaloneRunner(signal))
}

describe('the artifact of a build', () => {
  test('is found and verified', async () => {
    const { file, sha256 } = makeArtifact({ 'a..b/c...d': '' })
    expect(await find({ artifact: file, artifactSha256: sha256 })).toEqual({
      file,
      sha256,
      build: 3,
      ref: 'main',
      revision: 'abc',
    })
  })

  test('is refused if missing or changed', async () => {
    const { file } = makeArtifact({ a: '' })
    await expect(find(undefined)).rejects.toThrow('build 3 has no artifact')
    await expect(find({ artifact: null, artifactSha256: null })).rejects.toThrow('build 3 has no artifact')
    await expect(find({ artifact: '/nowhere', artifactSha256: 'x' })).rejects.toThrow(
      'the artifact of build 3 does not exist (/nowhere); build again',
    )
    await expect(find({ artifact: file, artifactSha256: '0'.repeat(64) })).rejects.toThrow(
      /has changed: expected sha256 000000000000…, got [0-9a-f]{12}…; build again/,
    )
  })

  test('is refused if it contains a path outside of the release', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'evil'), '')
    const file = join(folder, 'evil.tar.gz')
    execFileSync('tar', ['-czPf', file, '-C', folder, '--transform', 's,^,../,', 'evil'])
    await expect(find({ artifact: file, artifactSha256: sha256(file) })).rejects.toThrow(
      'the artifact of build 3 contains a path outside of the release: "../evil"',
    )
  })

  test.each([
    ['/etc/passwd', true],
    ['a/../../b', true],
    ['..', true],
    ['./a..b/...', false],
  ])('with the member %j is unsafe: %j', (member, expected) => {
    expect(isUnsafe(member)).toBe(expected)
  })
})
