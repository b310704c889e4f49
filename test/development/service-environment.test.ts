import { parseEnv } from 'node:util'
import { describe, expect, it } from 'vitest'
import { colourEnvironment, parseEnvFile } from '../../src/development/service-environment.ts'

const alike = String.raw`# a comment
A=abc # note
B=abc#def
export C=x
D="a\nb"
E='a\nb'
F=C:\temp\new
G="several
lines"
H = spaced
I=${'`back "tick"`'}
J=
K="quo # ted" # note
M=a=b
  P=indented
Q=$A $${'{A}'}
S='unclosed
T=after
A=again
X-Y=dash
Z.a=dot
NAME`

describe('an environment file', () => {
  it('is read as Node reads it', () => {
    expect(parseEnvFile(alike)).toEqual({ ...parseEnv(alike) })
    expect(parseEnvFile(alike)).toMatchObject({ A: 'again', D: 'a\nb', G: 'several\nlines', Q: `$A $${'{A}'}` })
  })

  it.each([
    ['quotes within quotes', String.raw`A="it\"s"`, { A: String.raw`it\"s` }],
    ['a colon', 'A: colon', { A: 'colon' }],
    ['carriage returns', 'A=1\r\nB="a\\rb"\rC=3', { A: '1', B: 'a\rb', C: '3' }],
    ['a byte order mark', '\uFEFFA=1', { A: '1' }],
  ])('is read by the rules of dotenv where Node differs: %s', (_, text, expected) => {
    expect(parseEnvFile(text)).toEqual(expected)
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
