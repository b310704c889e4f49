import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { colourEnvironment, serviceEnvironment } from '../../src/development/service-environment.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { service } from './planned.ts'

describe('the environment of a service', () => {
  it.each([
    ['a comment behind a value', 'A=abc # note\nB=abc#def', { A: 'abc', B: 'abc' }],
    [
      'quotes',
      `A="a\\nb"\nB='a\\nb'\nC="several\nlines"\nD="quo # ted"`,
      { A: 'a\nb', B: 'a\\nb', C: 'several\nlines', D: 'quo # ted' },
    ],
    ['export, a colon, spaces around the name', 'export A=1\nB: 2\n C = 3', { A: '1', B: '2', C: '3' }],
    ['carriage returns and a byte order mark', '\uFEFFA=1\r\nB=2', { A: '1', B: '2' }],
    ['a variable twice: the last one counts', 'A=1\nA=2', { A: '2' }],
  ])('has the variables of its files, by the rules of dotenv: %s', async (_, text, expected) => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, '.env'), text)
    const api = service('api', { envFiles: [join(folder, '.env')], env: {} })
    expect(await serviceEnvironment(api, {})).toEqual(expected)
  })
})

describe('the environment for colours', () => {
  it.each([
    [1, {}],
    [4, { FORCE_COLOR: '1' }],
    [8, { FORCE_COLOR: '2' }],
    [24, { FORCE_COLOR: '3' }],
  ])('follows a colour depth of %i bits', (depth, expected) => {
    expect(colourEnvironment({}, depth)).toEqual(expected)
  })

  it('keeps what the user has set', () => {
    expect(colourEnvironment({ NO_COLOR: '1' }, 24)).toEqual({})
    expect(colourEnvironment({ FORCE_COLOR: '0' }, 24)).toEqual({})
  })
})
