import { describe, expect, it } from 'vitest'
import { dependencyOrder, dependents } from '../../src/development/dependency-order.ts'

const edges: Record<string, string[]> = { web: ['api', 'mail'], api: ['db'], mail: ['db'], db: [], docs: [] }

describe('dependencyOrder', () => {
  it('puts each name once, behind all that it depends on', () => {
    expect(dependencyOrder(Object.keys(edges), (name) => edges[name]!)).toEqual(['db', 'api', 'mail', 'web', 'docs'])
  })

  it('leaves out what nobody wants', () => {
    expect(dependencyOrder(['mail'], (name) => edges[name]!)).toEqual(['db', 'mail'])
  })
})

describe('dependents', () => {
  it('names for each service who is stopped before it', () => {
    const services = Object.entries(edges).map(([name, on]) => ({
      name,
      dependsOn: on.map((each) => ({ name: each })),
    }))
    expect(Object.fromEntries(dependents(services))).toEqual({
      web: [],
      api: ['web'],
      mail: ['web'],
      db: ['api', 'mail'],
      docs: [],
    })
  })
})
