import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { expected, strictMessage } from '../../src/config/schema-messages.ts'
import { problemsOf } from '../support/problems-of.ts'

const entries = { path: v.string(expected('a path')), keep: v.optional(v.number(expected('a number'))) }
const schema = v.strictObject(entries, strictMessage(entries))

describe('the messages of a schema', () => {
  it.each([
    [{ path: 1 }, 'path: expected a path, got 1'],
    [{ path: '/', keeep: 1 }, 'keeep: unknown key, did you mean "keep"?'],
    [{ path: '/', other: 1 }, 'other: unknown key, expected one of: path, keep'],
    [{}, 'path: is missing'],
    ['/srv', 'expected an object, got "/srv"'],
  ])('for %j say %j', async (value, problem) => {
    expect(await problemsOf(schema, value)).toEqual([problem])
  })
})
