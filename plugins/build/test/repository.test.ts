import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { locateRepository } from '../src/repository.ts'
import { temporaryFolder } from './support.ts'

describe('a repository', () => {
  test('may be a path, relative to the project', () => {
    const project = temporaryFolder()
    mkdirSync(join(project, 'the shop'))
    expect(locateRepository('the shop', project)).toMatchObject({
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
    expect(locateRepository(url, '/')).toMatchObject({ url, path: undefined, name, shown: url })
  })

  test('shows no password, and has the same mirror with another one', () => {
    const first = locateRepository('https://bot:secret@example.com/shop', '/')
    const second = locateRepository('https://bot:changed@example.com/shop', '/')
    expect(first.shown).toBe('https://example.com/shop')
    expect(first.slug).toBe(second.slug)
  })

  test('has a mirror of its own, also where another one has the same name', () => {
    const a = locateRepository('https://a.example.com/shop', '/')
    expect(a.slug).not.toBe(locateRepository('https://b.example.com/shop', '/').slug)
  })

  test.each(['', '--upload-pack=touch /tmp/x', '-oProxyCommand=x:y'])('cannot be %j', (text) => {
    expect(() => locateRepository(text, '/')).toThrow(/cannot be a repository/)
  })

  test('must exist', () => {
    expect(() => locateRepository('../nowhere', '/srv/project')).toThrow(
      '"../nowhere" cannot be read: /srv/nowhere does not exist',
    )
  })
})
