import { describe, expect, it } from 'vitest'
import { colourEnvironment } from '../../src/development/service-environment.ts'

describe('the environment for colours', () => {
  it.each([
    [1, {}],
    [4, { FORCE_COLOR: '1' }],
    [8, { FORCE_COLOR: '2' }],
    [24, { FORCE_COLOR: '3' }],
  ])('follows a screen of %i bits', (depth, expected) => {
    expect(colourEnvironment({}, depth)).toEqual(expected)
  })

  it('leaves what the user has set', () => {
    expect(colourEnvironment({ NO_COLOR: '1' }, 24)).toEqual({})
    expect(colourEnvironment({ FORCE_COLOR: '0' }, 24)).toEqual({})
  })
})
