import { describe, expect, it } from 'vitest'
import { lastLine, prefixLines, servicePrefixes } from '../../src/output/service-prefix.ts'

describe('the prefixes of services', () => {
  it('are of one width', () => {
    expect([...servicePrefixes(['api', 'worker'], false).values()]).toEqual(['api    | ', 'worker | '])
  })

  it('have colours where they are seen', () => {
    expect(servicePrefixes(['api'], true).get('api')).toBe('\u001b[36mapi |\u001b[39m ')
  })
})

it('prefixLines puts the prefix in front of each line', () => {
  expect(prefixLines('a | ', 'one\n\nthree\n')).toBe('a | one\na | \na | three\n')
})

it('lastLine leaves out colours and empty lines', () => {
  expect(lastLine('one\n\u001b[31mtwo\u001b[39m\n\n')).toBe('two')
})
