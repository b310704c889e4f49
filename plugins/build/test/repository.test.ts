import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseRepository } from '../src/repository.ts'
import { temporaryFolder } from './support.ts'

describe('a repository', () => {
  test('may be a path relative to the project', () => {
    const project = temporaryFolder()
    mkdirSync(join(project, 'the shop'))
    expect(parseRepository('the shop', project)).toMatchObject({
      url: join(project, 'the shop'),
      path: join(project, 'the shop'),
      name: 'the-shop',
    })
  })

  test.each([
    ['https://example.com/team/shop.git', 'shop'],
    ['ssh://git@example.com:2222/team/shop', 'shop'],
    ['git@example.com:shop.git', 'shop'],
    ['git@example.com:team/größe.git/', 'gr-e'],
  ])('may be the URL %s', (url, name) => {
    expect(parseRepository(url, '/')).toMatchObject({ url, path: undefined, name, shown: url })
  })

  test('is shown without its password, which does not change its mirror', () => {
    const first = parseRepository('https://bot:secret@example.com/shop', '/')
    const second = parseRepository('https://bot:changed@example.com/shop', '/')
    expect(first.shown).toBe('https://example.com/shop')
    expect(first.slug).toBe(second.slug)
  })

  test('has its own mirror, even if another one has the same name', () => {
    const a = parseRepository('https://a.example.com/shop', '/')
    expect(a.slug).not.toBe(parseRepository('https://b.example.com/shop', '/').slug)
  })

  test.each(['', '--upload-pack=touch /tmp/x', '-oProxyCommand=x:y'])('refuses %j', (text) => {
    expect(() => parseRepository(text, '/')).toThrow(/^invalid repository /)
  })

  test('must exist', () => {
    expect(() => parseRepository('../nowhere', '/srv/project')).toThrow(
      'cannot read repository "../nowhere": /srv/nowhere does not exist',
    )
  })
})
