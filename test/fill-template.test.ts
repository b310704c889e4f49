import { describe, expect, it } from 'vitest'
import { fillTemplate } from '../src/fill-template.ts'

describe('a template', () => {
  it('has a line for each value of a list, and none for a place without a value', () => {
    const text = 'a __one__ b\n  __lines__,\n  only: __none__,\n  __none__,\nKey=__lines__\nend __one____one__'
    expect(fillTemplate(text, { one: '1', lines: ['x', 'y'], none: undefined })).toBe(
      'a 1 b\n  x\n  y\nKey=x\nKey=y\nend 11',
    )
  })

  it('does not take a value for a template', () => {
    expect(fillTemplate('__one__ __two__', { one: '__two__', two: '$1 $&' })).toBe('__two__ $1 $&')
  })

  it('cannot have a place that nothing is given for', () => {
    expect(() => fillTemplate('__other__', {})).toThrow(
      'a template has the place "other", and there is no value for it',
    )
  })
})
