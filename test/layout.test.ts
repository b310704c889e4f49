import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, normalize, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = dirname(import.meta.dirname)
const map = readFileSync(join(root, 'src', 'README.md'), 'utf8')

interface Row {
  readonly folder: string
  readonly imports: readonly string[]
  readonly libraries: readonly string[]
}

/** Every folder may import these. */
const forAll = ['errors.ts', 'failpoint.ts', 'fill-template.ts', 'format.ts', 'host-modules.ts', 'redact.ts']

const table: readonly Row[] = map
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => {
    const [folder, imports, libraries] = line
      .split('|')
      .slice(1)
      .map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!))
    return { folder: folder![0]!, imports: imports!, libraries: libraries! }
  })

interface Import {
  readonly file: string
  readonly specifier: string
  readonly isType: boolean
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => !/(^|\/)(node_modules|dist|\.ops)(\/|$)/.test(file))
    .map((file) => join(folder, file))
    .filter((file) => statSync(join(root, file)).isFile())
}

const isCode = (file: string) => /\.(ts|js)$/.test(file)
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const plugins = readdirSync(join(root, 'plugins'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
const sources = filesBelow('src').filter(isCode)
const pluginSources = plugins.flatMap(({ name }) => filesBelow(join('plugins', name, 'src'))).filter(isCode)
const everything = ['src', 'bin', 'plugins', 'test', 'examples'].flatMap(filesBelow)

function importsOf(file: string): Import[] {
  const text = read(file)
  const statements = text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]/gm)
  const calls = text.matchAll(/(typeof )?import\(\s*['"`]([^'"`]+)['"`]/g)
  return [...statements, ...calls].map(([, type, specifier]) => ({
    file,
    specifier: specifier!,
    isType: type !== undefined,
  }))
}

/** The row of the table that a file of `src` belongs to. */
function rowOf(file: string): string {
  const path = relative('src', file)
  return (
    table
      .map(({ folder }) => folder)
      .filter((folder) => path === folder || path.startsWith(`${folder}/`))
      .sort((a, b) => b.length - a.length)[0] ?? path
  )
}

function libraryOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

const isRelative = ({ specifier }: Import) => specifier.startsWith('.')
const said = ({ file, specifier }: Import) => `${file} imports ${specifier}`
const all = sources.flatMap(importsOf)

describe('the sources', () => {
  it('are all in the table of src/README.md, and nothing else is', () => {
    expect(new Set(sources.map(rowOf))).toEqual(new Set(table.map(({ folder }) => folder)))
  })

  it('are on the map, and what the map says comes later is not there yet', () => {
    const [, tree] = map.split('```')
    let parent = ''
    for (const line of tree!.trim().split('\n')) {
      const [, indent, name, isLater] = /^( *)(\S+?)\/? +(\(later\))?/.exec(line)!
      if (indent === '') parent = name!
      const path = join('src', indent === '' ? name! : `${parent}/${name}`)
      expect({ path, isThere: statSync(join(root, path), { throwIfNoEntry: false }) !== undefined }).toEqual({
        path,
        isThere: !isLater,
      })
    }
    const onMap = [...tree!.matchAll(/^ *([\w.-]+?)\/? /gm)].map(([, name]) => name!)
    expect(onMap).toEqual(expect.arrayContaining(table.map(({ folder }) => basename(folder))))
  })

  it('import only what the table allows', () => {
    const wrong = all.filter(isRelative).filter((one) => {
      const from = rowOf(one.file)
      const to = rowOf(normalize(join(dirname(one.file), one.specifier)))
      return from !== to && !forAll.includes(to) && !table.find(({ folder }) => folder === from)?.imports.includes(to)
    })
    expect(wrong.map(said)).toEqual([])
  })

  it('import nothing that the table allows and nobody uses', () => {
    const used = new Set(
      all
        .filter(isRelative)
        .map((one) => `${rowOf(one.file)} → ${rowOf(normalize(join(dirname(one.file), one.specifier)))}`),
    )
    const allowed = table.flatMap(({ folder, imports }) => imports.map((name) => `${folder} → ${name}`))
    expect(allowed.filter((pair) => !used.has(pair))).toEqual([])
  })

  it('import downwards: what a folder may import stands below it in the table', () => {
    const place = (name: string) => table.findIndex(({ folder }) => folder === name)
    const upwards = table.flatMap(({ folder, imports }) =>
      imports.filter((name) => place(name) < place(folder)).map((name) => `${folder} → ${name}`),
    )
    expect(upwards).toEqual(['queue/sqlite → queue', 'queue/postgres → queue'])
  })

  it('make no circles, types included', () => {
    expect(circles()).toEqual([])
  })

  it('import a library only where it has its home', () => {
    const wrong = all.filter((one) => {
      if (isRelative(one) || one.isType || one.specifier.startsWith('node:')) return false
      return !table.find(({ folder }) => folder === rowOf(one.file))?.libraries.includes(libraryOf(one.specifier))
    })
    expect(wrong.map(said)).toEqual([])
  })
})

/** The shortest ways by which a file of `src` imports itself. */
function circles(): string[] {
  const imports = new Map<string, string[]>(sources.map((file) => [file, []]))
  for (const one of all.filter(isRelative)) {
    imports.get(one.file)!.push(normalize(join(dirname(one.file), one.specifier)))
  }
  return sources.flatMap((file) => {
    const path = pathBack(file, imports)
    // Each circle once, from the first of its files.
    return path?.every((other) => file <= other) ? [[...path, file].join(' → ')] : []
  })
}

function pathBack(start: string, imports: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const paths: string[][] = [[start]]
  const seen = new Set<string>()
  for (const path of paths) {
    for (const next of imports.get(path.at(-1)!) ?? []) {
      if (next === start) return path
      if (!seen.has(next)) paths.push([...path, next])
      seen.add(next)
    }
  }
  return undefined
}

describe('a plugin', () => {
  it('imports ops by its name, Node, what its package.json depends on, and its own sources', () => {
    const wrong = pluginSources.flatMap(importsOf).filter((one) => {
      const { file, specifier } = one
      if (isRelative(one))
        return !normalize(join(dirname(file), specifier)).startsWith(file.split('/').slice(0, 3).join('/'))
      if (one.isType || specifier.startsWith('node:')) return false
      return ![...dependenciesOf(file), '@ops-cli/core', '@ops-cli/core/command'].includes(specifier)
    })
    expect(wrong.map(said)).toEqual([])
  })
})

function dependenciesOf(file: string): string[] {
  const [, plugin] = file.split('/')
  return Object.keys(
    JSON.parse(readFileSync(join(root, 'plugins', plugin!, 'package.json'), 'utf8')).dependencies ?? {},
  )
}

describe('every file', () => {
  it('has a name in kebab case', () => {
    const wrong = everything
      .filter(isCode)
      .filter((file) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.slow)?(\.(test|config))?\.(ts|js)$/.test(basename(file)))
    expect(wrong).toEqual([])
  })

  it('is in no drawer', () => {
    const drawers = everything.filter((file) =>
      /(^|\/)(utils?|helpers?|common|shared|lib|misc)(\/|\.[jt]s$)/.test(file),
    )
    expect(drawers).toEqual([])
  })

  it('is no longer than 250 lines, where it is no test', () => {
    const long = [...sources, ...pluginSources, ...filesBelow('bin')].filter(
      (file) => read(file).split('\n').length > 251,
    )
    expect(long).toEqual([])
  })

  it('imports files by their whole name', () => {
    const wrong = everything
      .filter((file) => file.endsWith('.ts'))
      .flatMap(importsOf)
      .filter(isRelative)
    expect(wrong.filter(({ specifier }) => !/\.(ts|js|json)$/.test(specifier)).map(said)).toEqual([])
    expect(
      all
        .filter(isRelative)
        .filter(({ specifier }) => !specifier.endsWith('.ts'))
        .map(said),
    ).toEqual([])
  })

  it('has no syntax that Node cannot strip: enums, namespaces, parameter properties', () => {
    const unstrippable =
      /^\s*(export )?(declare )?(const )?(enum|namespace) \w|constructor\((?:[^)]*,)?\s*(private|public|protected|readonly) \w/m
    expect([...sources, ...pluginSources].filter((file) => unstrippable.test(read(file)))).toEqual([])
  })
})
