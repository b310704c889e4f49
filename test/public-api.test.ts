import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const entries: string[] = ['.', './command', './testing'].map((entry) => exports[entry].types.replace('./dist/', ''))
const out = mkdtempSync(join(tmpdir(), 'ops-types-'))

/** Steps by which other types are computed; nobody has a use for one alone. What they name in turn is looked at. */
const steps = ['Columns', 'Flat', 'RequiredKeys', 'ResultKeys', 'ValueOf', 'ColumnConfig', 'DrizzleColumn', 'AnyTable']
/** What a command is given to hand on, and may change with any version. */
const opaque = ['Project']

beforeAll(() => {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const args = ['-p', join(root, 'tsconfig.build.json'), '--noCheck', '--emitDeclarationOnly', '--outDir', out]
  execFileSync(process.execPath, [tsc, ...args], { stdio: 'inherit' })
}, 300_000)
afterAll(() => rmSync(out, { recursive: true, force: true }))

describe('a type that a public signature names', () => {
  it.each(entries)('is exported where the signature is: %s', (entry) => {
    const named = [...new Set([entries[0]!, entry])].flatMap(exportsOf)
    const known = new Set([...named.map(({ name }) => name), ...steps, ...opaque])
    const seen = new Set<string>()
    const missing = (file: string, name: string): string[] => {
      if (seen.has(`${file} ${name}`) || opaque.includes(name)) return []
      seen.add(`${file} ${name}`)
      return namedBy(file, name).flatMap((other) => [
        ...(known.has(other.name) ? [] : [`${name} names ${other.name} of ${other.file}`]),
        ...(steps.includes(other.name) ? missing(other.file, other.name) : []),
      ])
    }
    expect(exportsOf(entry).flatMap(({ file, name }) => missing(file, name))).toEqual([])
  })
})

interface Name {
  readonly file: string
  readonly name: string
}

const text = (file: string) => readFileSync(join(out, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '')

/** What a file takes from others of ours, by import or export. */
function takenBy(file: string, how: 'import' | 'export'): Name[] {
  const taken = text(file).matchAll(new RegExp(`^${how} (?:type )?{([^}]*)} from ["'](\\.[^"']+)["']`, 'gm'))
  return [...taken].flatMap(([, names, from]) =>
    names!
      .split(',')
      .map((name) => name.replace('type ', '').trim())
      .filter((name) => name !== '')
      .map((name) => ({ file: join(dirname(file), from!.replace(/\.[jt]s$/, '.d.ts')), name })),
  )
}

function exportsOf(file: string): Name[] {
  return takenBy(file, 'export')
}

/** The types of ours in one declaration; a constructor is for those who make such a thing, not for those who get it. */
function namedBy(file: string, name: string): Name[] {
  const declarations = text(file).split(/^(?=export |declare |interface |type |import )/m)
  const nameOf = (declaration: string) =>
    /^(?:export )?(?:declare )?(?:abstract )?(?:interface|type|class|function|const) (\w+)/.exec(declaration)?.[1]
  const own = declarations.filter((declaration) => nameOf(declaration) === name).join('')
  const handedOn = takenBy(file, 'import').find((other) => other.name === name)
  if (own === '' && handedOn) return namedBy(handedOn.file, name)
  if (own === '') throw new Error(`${name} is not declared in ${file}`)
  const words = new Set(own.replaceAll(/^ +constructor\(.*$/gm, '').match(/\b[A-Z]\w*/g))
  const local = declarations.flatMap((declaration) => nameOf(declaration) ?? []).map((other) => ({ file, name: other }))
  return [...takenBy(file, 'import'), ...local].filter((other) => other.name !== name && words.has(other.name))
}
