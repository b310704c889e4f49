import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { writeFile, writeJson } from '../../src/platform/write-file.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const modeOf = (path: string) => statSync(path).mode & 0o777

describe('a file that is written', () => {
  it('replaces the old one and leaves no other file', () => {
    const folder = temporaryFolder()
    const file = join(folder, 'a.json')
    writeFile(file, 'old')
    const before = statSync(file).ino
    writeJson(file, { a: 1 }, { sync: true })
    expect(readFileSync(file, 'utf8')).toBe('{\n  "a": 1\n}\n')
    // A new file under the name: a reader of the old one still has all of it.
    expect(statSync(file).ino).not.toBe(before)
    expect(readdirSync(folder)).toEqual(['a.json'])
  })

  it('has the given mode, and so do its new folders, whatever the umask', () => {
    const umask = process.umask(0o077)
    onTestFinished(() => void process.umask(umask))
    const folder = temporaryFolder()
    const file = join(folder, 'new/inner/a')
    writeFile(file, '', { mode: 0o644, folderMode: 0o755 })
    expect([modeOf(file), modeOf(join(folder, 'new')), modeOf(join(folder, 'new/inner'))]).toEqual([
      0o644, 0o755, 0o755,
    ])
    expect(modeOf(folder)).toBe(0o700)
  })

  it('stays as it was if it cannot be replaced', () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'taken'))
    expect(() => writeFile(join(folder, 'taken'), '')).toThrow('EISDIR')
    expect(readdirSync(folder)).toEqual(['taken'])
  })
})
