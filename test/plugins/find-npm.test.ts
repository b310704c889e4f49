import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findNpm } from '../../src/plugins/find-npm.ts'
import { makeFolder, removeFolder } from '../support/temporary-folder.ts'

let root: string
beforeEach(() => {
  root = makeFolder()
})
afterEach(() => removeFolder(root))

function file(path: string, text = ''): string {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
  return join(root, path)
}

/** The npm-cli.js of an npm in a folder. */
function npmIn(folder: string, name = 'npm'): string {
  file(`${folder}/package.json`, JSON.stringify({ name }))
  file(`${folder}/bin/npx-cli.js`)
  return file(`${folder}/bin/npm-cli.js`)
}

function link(path: string, target: string): string {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  symlinkSync(target, join(root, path))
  return join(root, path)
}

describe('npm', () => {
  const major = process.versions.node.split('.')[0]
  it.each([
    ['nodejs.org', 'lib/node_modules/npm'],
    ['Homebrew', 'libexec/lib/node_modules/npm'],
    ['Debian', 'share/nodejs/npm'],
    ['Fedora', `lib/node_modules_${major}/npm`],
  ])('is found beside the node of %s', (name, folder) => {
    const npm = npmIn(`${name}/${folder}`)
    expect(findNpm({ env: { PATH: '' }, execPath: file(`${name}/bin/node`) })).toBe(npm)
    const linked = link(`${name}-links/node`, join(root, name, 'bin', 'node'))
    expect(findNpm({ env: {}, execPath: linked })).toBe(npm)
  })

  it('is found on the PATH, through links, if the npm package "node" runs ops', () => {
    const npm = npmIn('system/lib/node_modules/npm')
    link('system/bin/npm', '../lib/node_modules/npm/bin/npm-cli.js')
    const execPath = file('app/node_modules/node/bin/node')
    // A wrapper script does not tell where npm is.
    file('wrappers/npm', '#!/bin/sh\n')
    const PATH = ['', join(root, 'missing'), join(root, 'wrappers'), join(root, 'system/bin')].join(':')
    expect(findNpm({ env: { PATH }, execPath })).toBe(npm)
  })

  it('is the one that runs ops, even through npx, but no other package manager', () => {
    const npm = npmIn('own/npm')
    const beside = npmIn('node/lib/node_modules/npm')
    const execPath = file('node/bin/node')
    expect(findNpm({ env: { npm_execpath: npm }, execPath })).toBe(npm)
    expect(findNpm({ env: { npm_execpath: join(root, 'own/npm/bin/npx-cli.js') }, execPath })).toBe(npm)
    for (const other of [file('yarn/bin/yarn.js'), npmIn('fork/npm', 'not-npm'), '/missing/npm-cli.js'])
      expect(findNpm({ env: { npm_execpath: other }, execPath })).toBe(beside)
  })

  it('that cannot be found is one error with what to do', () => {
    const find = () => findNpm({ env: { PATH: join(root, 'missing') }, execPath: file('bare/bin/node') })
    expect(find).toThrow(expect.objectContaining({ code: 'NPM_NOT_FOUND' }))
    expect(find).toThrow(
      /^Cannot find npm, which installs plugins: neither beside .*bare\/bin\/node nor on the PATH\.$/,
    )
  })
})
