import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import pjson from '../../package.json' with { type: 'json' }
import { coreDependency } from '../../src/scaffold/ops-package.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const path = 'node_modules/@ops-cli/core'

/** An application in which npm has installed ops. */
function application(resolved: string) {
  const folder = temporaryFolder()
  const root = join(folder, path)
  mkdirSync(root, { recursive: true })
  const packages = { [path]: { version: pjson.version, resolved } }
  writeFileSync(join(dirname(dirname(root)), '.package-lock.json'), JSON.stringify({ packages }))
  return { folder, root }
}

describe('a new plugin depends on', () => {
  it('the version of ops, if that came from a registry', () => {
    const { folder, root } = application('https://registry.npmjs.org/@ops-cli/core/-/core-0.1.0.tgz')
    expect(coreDependency(join(folder, 'ops-plugin-email'), root)).toBe(`^${pjson.version}`)
  })

  it('the folder of ops, if that came from a file: relative inside one application', () => {
    const { folder, root } = application('file:../ops-cli-core-0.1.0.tgz')
    expect(coreDependency(join(folder, 'plugins', 'ops-plugin-email'), root)).toBe(`file:../../${path}`)
    expect(coreDependency('/elsewhere/ops-plugin-email', root)).toBe(`file:${root}`)
  })

  it('the folder of a checkout', () => {
    const folder = temporaryFolder()
    expect(coreDependency(join(folder, 'ops-plugin-email'), folder)).toBe(`file:${folder}`)
  })
})
