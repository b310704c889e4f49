import { describe, expect, it } from 'vitest'
import { formatFailure } from '../../src/processor/format-failure.ts'

describe('the failure of a program', () => {
  it('names the command in one line of limited length, and the end of the output', () => {
    expect(formatFailure('make\n  all', 'failed with exit code 2', ['one', 'two'])).toBe(
      '`make; all` failed with exit code 2: one | two',
    )
    expect(formatFailure('x'.repeat(200), 'timed out')).toBe(`\`${'x'.repeat(119)}…\` timed out`)
  })
})
