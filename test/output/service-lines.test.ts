import { describe, expect, it } from 'vitest'
import { lastLine, prefixLines, servicePrefixes } from '../../src/output/service-lines.ts'

describe('the prefixes of services', () => {
  it('have the same width', () => {
    expect([...servicePrefixes(['api', 'worker'], false).values()]).toEqual(['api    | ', 'worker | '])
  })

  it('have colours where colours are shown', () => {
    expect(servicePrefixes(['api'], true).get('api')).toBe('\u001b[36mapi |\u001b[39m ')
  })
})

it('prefixLines prefixes each line', () => {
  expect(prefixLines('a | ', 'one\n\nthree\n')).toBe('a | one\na | \na | three\n')
})

it('lastLine leaves out colours and empty lines', () => {
  expect(lastLine('one\n\u001b[31mtwo\u001b[39m\n\n')).toBe('two')
})
