import { describe, expect, test } from 'vitest'
import { earlierRelease, nextNumber, parseReleases, type Releases, releasesToRemove } from '../src/releases.ts'
import { releaseFacts } from '../src/releases-table.ts'
import { sharedLink } from '../src/shared-link.ts'

/** `'1 2 3* 4!'`: all have worked, but for 4, which was withdrawn; `?` is one that was never proven; `*` is current. */
function releases(text: string): Releases {
  const all = text.split(' ').map((word) => ({
    number: Number.parseInt(word, 10),
    about: {},
    isProven: !/[!?]/.test(word),
    withdrawn: word.includes('!') ? 'broken' : undefined,
  }))
  return { all, current: Number.parseInt(text.split(' ').find((word) => word.includes('*')) ?? '', 10) || undefined }
}

describe('the releases of an environment', () => {
  test('are read from what the target prints, whatever stands between', () => {
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
        { number: 9, about: {}, isProven: false, withdrawn: 'it was\tbad' },
        { number: 10, about: { build: 3 }, isProven: true, withdrawn: undefined },
      ],
    })
  })

  test('are numbered upwards, also from one that was removed', () => {
    expect(nextNumber({ all: [], current: undefined })).toBe(1)
    expect(nextNumber(releases('1* 2 5!'))).toBe(6)
    expect(nextNumber({ all: [], current: 7 })).toBe(8)
  })

  test.each([
    ['1 2 3*', 2],
    ['1 2! 3? 4*', 1],
    ['1* 2 3', undefined],
    ['1 2', 2],
  ])('of %j a rollback goes to %j', (text, expected) => {
    expect(earlierRelease(releases(text))?.number).toBe(expected)
  })

  test.each([
    ['1 2 3 4 5*', 4, 3, [1, 2]],
    ['1 2 3 4 5*', 1, 2, [2, 3]],
    ['1* 2 3 4 5', 2, 1, [3, 4]],
    ['1 2! 3! 4*', 1, 2, [2]],
    ['1 2? 3*', undefined, 5, []],
    ['1*', undefined, 1, []],
  ])('of %j, before which %j was current, with %j to keep, go %j', (text, before, keep, expected) => {
    expect(releasesToRemove(releases(text), before, keep)).toEqual(expected)
  })

  test('are shown with what they are', () => {
    const states = releaseFacts(releases('1 2 3! 4? 5*')).map(({ number, state }) => `${number} ${state}`)
    expect(states).toEqual(['5 current', '4 unproven', '3 withdrawn', '2 previous', '1 kept'])
  })
})

test.each([
  ['uploads/', 'uploads', '../../shared/uploads', true],
  ['.env', '.env', '../../shared/.env', false],
  ['a/b/c', 'a/b/c', '../../../../shared/a/b/c', false],
])('the shared path %j is linked as %j to %j', (written, path, text, isFolder) => {
  expect(sharedLink(written)).toEqual({ path, text, isFolder })
})
