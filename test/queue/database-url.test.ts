import { describe, expect, it } from 'vitest'
import { databaseUrlFacts } from '../../src/queue/database-url.ts'

describe('the URL of a database', () => {
  it.each([
    ['sqlite:.ops/ops.db', '/srv/shop/.ops/ops.db', false],
    ['sqlite:/var/lib/shop/ops.db', '/var/lib/shop/ops.db', false],
    ['sqlite:///var/lib/shop/ops.db', '/var/lib/shop/ops.db', false],
    ['postgres://ann:secret@db/shop', undefined, true],
    ['postgresql://db/shop', undefined, true],
    ['postgres://ann:se/cret@db/shop', undefined, false],
    ['mysql://ann:secret@db/shop', undefined, false],
  ])('%s names the file %s; shared between machines: %s', (url, file, isShared) => {
    const facts = databaseUrlFacts(url, '/srv/shop')
    expect(facts).toEqual({ file, isShared, redactedUrl: expect.not.stringMatching(/se.?cret/) })
  })
})
