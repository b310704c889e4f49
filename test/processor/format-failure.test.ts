import { describe, expect, it } from 'vitest'
import { formatExit, formatFailure } from '../../src/processor/format-failure.ts'

const none = { exitCode: undefined, signal: undefined }

describe('the failure of a program', () => {
  it.each([
    [{ ...none, exitCode: 2 }, 'failed with exit code 2'],
    [{ ...none, signal: 'SIGKILL' }, 'was killed by SIGKILL'],
    [{ ...none, code: 'ENOENT' }, 'could not be started: program not found'],
    [{ ...none, code: 'EACCES' }, 'could not be started: not executable'],
    [{ ...none, code: 'E2BIG', originalMessage: 'spawn E2BIG' }, 'could not be started: spawn E2BIG'],
  ])('%j is worded %j', (exit, text) => {
    expect(formatExit(exit)).toBe(text)
  })

  it('names the command in one line of limited length, and the end of the output', () => {
    expect(formatFailure('make\n  all', 'failed with exit code 2', ['one', 'two'])).toBe(
      '`make; all` failed with exit code 2: one | two',
    )
    expect(formatFailure('x'.repeat(200), 'timed out')).toBe(`\`${'x'.repeat(119)}…\` timed out`)
  })
})
