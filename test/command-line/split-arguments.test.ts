import { describe, expect, it } from 'vitest'
import { findProcessor, splitArguments } from '../../src/command-line/split-arguments.ts'

const known = {
  config: { type: 'option' },
  in: { type: 'option' },
  json: { type: 'boolean' },
  wait: { type: 'boolean' },
} as const

describe('the processor on a command line', () => {
  it.each([
    [['build', '--ref', 'main'], 'build'],
    [['--config', 'ops.ts', 'build'], 'build'],
    [['--config=ops.ts', 'build'], 'build'],
    [['--json', 'build'], 'build'],
    [['--wait', '--in', '10m', 'build'], 'build'],
    [['--json'], undefined],
    [['--config', 'ops.ts'], undefined],
    [[], undefined],
  ])('in %j is %j', (argv, processor) => {
    expect(findProcessor(argv, known)).toBe(processor)
  })
})

describe('the arguments of a command line', () => {
  it('are parted into what is known and the rest, each with its value', () => {
    expect(splitArguments(['build', '--in', '10m', '--ref', 'main', '--json', '--tag=v1', 'more'], known)).toEqual({
      known: ['build', '--in', '10m', '--json', 'more'],
      rest: ['--ref', 'main', '--tag=v1'],
    })
  })

  it('are known when a boolean flag is negated, and when a value is a negative number or a dash', () => {
    expect(splitArguments(['--no-wait', '--in', '-4', '--config', '-'], known)).toEqual({
      known: ['--no-wait', '--in', '-4', '--config', '-'],
      rest: [],
    })
  })
})
