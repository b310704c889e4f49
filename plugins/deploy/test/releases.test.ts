import { describe, expect, test } from 'vitest'
import { nextNumber, parseReleases, previousRelease, type Releases, releasesToRemove } from '../src/releases.ts'
import { releaseDetails } from '../src/releases-table.ts'
import { sharedLink } from '../src/target.ts'

/** `'1 2? 3* 4!'`: 2 was never verified, 3 is current, 4 was withdrawn. */
function releases(text: string): Releases {
  const all = text.split(' ').map((word) => ({
    number: Number.parseInt(word, 10),
    info: {},
    isVerified: !/[!?]/.test(word),
    withdrawn: word.includes('!') ? 'broken' : undefined,
  }))
  return { all, current: Number.parseInt(text.split(' ').find((word) => word.includes('*')) ?? '', 10) || undefined }
}

describe('the releases of an environment', () => {
  test('are parsed from the output of a script, other lines ignored', () => {
    const lines = [
      'Welcome to the server',
      'current\treleases/10',
      'release\t10\t{"build":3}',
      'release\t9\tnot JSON',
      'succeeded\t10\t2026-01-01',
      'withdrawn\t9\tit was\tbad',
      'succeeded\t8\t',
    ]
    expect(parseReleases(lines.join('\n'))).toEqual({
      current: 10,
      all: [
        { number: 9, info: {}, isVerified: false, withdrawn: 'it was\tbad' },
        { number: 10, info: { build: 3 }, isVerified: true, withdrawn: undefined },
      ],
    })
  })

  test('get ascending numbers, also after one that was removed', () => {
    expect(nextNumber({ all: [], current: undefined })).toBe(1)
    expect(nextNumber(releases('1* 2 5!'))).toBe(6)
    expect(nextNumber({ all: [], current: 7 })).toBe(8)
  })

  test.each([
    ['1 2 3*', 2],
    ['1 2! 3? 4*', 1],
    ['1* 2 3', undefined],
    ['1 2', 2],
  ])('of %j: a rollback goes to %j', (text, expected) => {
    expect(previousRelease(releases(text))?.number).toBe(expected)
  })

  test.each([
    ['1 2 3 4 5*', 4, 3, [1, 2]],
    ['1 2 3 4 5*', 1, 2, [2, 3]],
    ['1* 2 3 4 5', 2, 1, [3, 4]],
    ['1 2! 3! 4*', 1, 2, [2]],
    ['1 2? 3*', undefined, 5, []],
    ['1*', undefined, 1, []],
  ])('%j, before which %j was current, keeping %j: removes %j', (text, before, keep, expected) => {
    expect(releasesToRemove(releases(text), before, keep)).toEqual(expected)
  })

  test('are listed with their state', () => {
    const states = releaseDetails(releases('1 2 3! 4? 5*')).map(({ number, state }) => `${number} ${state}`)
    expect(states).toEqual(['5 current', '4 unverified', '3 withdrawn', '2 previous', '1 kept'])
  })
})

test.each([
  ['uploads/', 'uploads', '../../shared/uploads', true],
  ['.env', '.env', '../../shared/.env', false],
  ['a/b/c', 'a/b/c', '../../../../shared/a/b/c', false],
])('the shared path %j is the link %j to %j', (written, path, text, isFolder) => {
  expect(sharedLink(written)).toEqual({ path, text, isFolder })
})
