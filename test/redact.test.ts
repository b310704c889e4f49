import { describe, expect, it } from 'vitest'
import { hideSecrets, isSecretName, redactText, redactUrl, redactValue, withoutSecrets } from '../src/redact.ts'

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

  it.each([
    'https://bot:1/se@cret@db/shop',
    'https://se#cr@et@db/shop',
    'postgres://ann:se/cr@et@db/shop',
    'postgres://ann:se?cret@db:x/shop',
    'https://bot:se#cret@db:x/shop',
  ])('hides the password of one that cannot be parsed: %s', (url) => {
    expect(redactUrl(url)).not.toMatch(/se|cr|et@/)
  })

  it.each(['sqlite:.ops/ops.db', 'ssh://git@example.com:2222/team/shop', 'git@example.com:shop.git', '../shop'])(
    'is the URL itself where there is no secret: %s',
    (url) => {
      expect(redactUrl(url)).toBe(url)
    },
  )
})

describe('a redacted text', () => {
  it.each([
    ['cannot reach postgres://ann:secret@db/shop.', 'cannot reach postgres://ann@db/shop.'],
    ['$ API_TOKEN=abc ./send --all', '$ API_TOKEN=*** ./send --all'],
    ["DB_PASSWORD='two words' x", 'DB_PASSWORD=*** x'],
    ['PWD=/srv OLDPWD=/srv', 'PWD=/srv OLDPWD=/srv'],
    ['to https://example.com/a, b@example.com', 'to https://example.com/a, b@example.com'],
  ])('of %j is %j', (text, redacted) => {
    expect(redactText(text)).toBe(redacted)
  })

  it('hides what is known to be secret wherever it stands, at any depth, but no plain word', () => {
    hideSecrets({ env: { SMTP_PASSWORD: 'k9-in-the-open', DB_PASSWORD: 'postgres' }, url: 'postgres://a:p%40ss-99@db' })
    const value = {
      error: 'got k9-in-the-open and p@ss-99',
      at: new Date(0),
      list: [{ apiToken: 'x' }],
      table: 'postgres',
    }
    expect(redactValue(value)).toEqual({ ...value, error: 'got *** and ***', list: [{ apiToken: '***' }] })
  })

  it('knows secrets by the names of variables', () => {
    const names = ['API_KEY', 'AWS_SECRET_ACCESS_KEY', 'GITHUB_TOKEN', 'PGPASSWORD', 'dbPassword', 'MYSQL_PWD']
    expect(names.filter((name) => !isSecretName(name))).toEqual([])
    const others = ['PWD', 'OLDPWD', 'key', 'PATH', 'MONKEY', 'KEYBOARD', 'CREDENTIALS_DIRECTORY', 'PASSAGE']
    expect(others.filter(isSecretName)).toEqual([])
  })

  it('leaves no secret in an environment', () => {
    const environment = {
      PATH: '/bin',
      PWD: '/',
      OPS_DATABASE_URL: 'sqlite:x',
      A_TOKEN: 'x',
      QUEUE: 'redis://:pass@db',
    }
    expect(withoutSecrets(environment)).toEqual({ PATH: '/bin', PWD: '/' })
  })
})
