import { describe, expect, it } from 'vitest'
import { redactUrl } from '../src/redact.ts'

describe('a redacted URL', () => {
  it.each([
    ['postgres://ann:secret@db.example:5432/shop', 'postgres://ann@db.example:5432/shop'],
    ['postgresql://ann:s%40cret@db/shop?sslmode=require', 'postgresql://ann@db/shop?sslmode=require'],
    ['postgres://db/shop?user=ann&password=secret', 'postgres://db/shop?user=ann'],
    ['postgres://db/shop?password=secret&sslmode=require', 'postgres://db/shop?sslmode=require'],
    ['postgres://db/shop?sslpassword=secret', 'postgres://db/shop'],
    ['https://bot:secret@example.com/shop', 'https://example.com/shop'],
    ['https://secret@example.com/shop', 'https://example.com/shop'],
    ['ssh://git:secret@example.com/shop', 'ssh://git@example.com/shop'],
  ])('of %s is %s', (url, redacted) => {
    expect(redactUrl(url)).toBe(redacted)
  })

  it.each(['postgres://ann:se/cr@et@db/shop', 'postgres://ann:se?cret@db:x/shop', 'https://bot:se#cret@db:x/shop'])(
    'hides the password of one that cannot be parsed: %s',
    (url) => {
      expect(redactUrl(url)).not.toMatch(/se|cr|et@/)
    },
  )

  it.each(['sqlite:.ops/ops.db', 'ssh://git@example.com:2222/team/shop', 'git@example.com:shop.git', '../shop'])(
    'is the URL itself where there is no secret: %s',
    (url) => {
      expect(redactUrl(url)).toBe(url)
    },
  )
})
