import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, matchesGlob, relative } from 'node:path'
import { expect, test } from 'vitest'

const root = dirname(import.meta.dirname)

const packageJson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] }

const plugins = readdirSync(join(root, 'plugins'), { withFileTypes: true }).filter((entry) => entry.isDirectory())

const documents = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'docs/large-fleets.md',
  'src/README.md',
  'plugins/README.md',
  'examples/shop/README.md',
  ...plugins.map(({ name }) => `plugins/${name}/README.md`),
]

/** npm adds README.md itself. */
const isPublished = (file: string) =>
  file === 'README.md' ||
  packageJson.files.some((pattern) => matchesGlob(file, pattern) || matchesGlob(file, `${pattern}/**`))

test.each(documents)('%s links to files that exist, and are in the package if it is', (name) => {
  const text = readFileSync(join(root, name), 'utf8')
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link]) => link!)
  const files = links.map((link) => relative(root, join(root, dirname(name), link)))
  expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([])
  if (isPublished(name)) expect(files.filter((file) => !isPublished(file))).toEqual([])
})

const commands = new Set(
  [join(root, 'src/commands'), ...plugins.map(({ name }) => join(root, 'plugins', name, 'src/commands'))]
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.replace(/(\/index)?\.ts$/, '').replaceAll('/', ' ')),
)

test.each(documents)('%s shows commands that exist, in their form with spaces', (name) => {
  const text = readFileSync(join(root, name), 'utf8')
  const blocks = [...text.matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => block!).join('\n')
  const inline = [...text.matchAll(/`(?:sudo |npx )?(ops [^`]+)`/g)].map(([, code]) => code!)
  const shown = [...blocks.matchAll(/(?:^|&& |\()(?:sudo (?:-u \S+ )?|npx )?(ops [a-z].*)/gm)].map(([, line]) => line!)
  const unknown = [...shown, ...inline].filter((line) => {
    const words = line.split(/\s+/).slice(1, 3)
    // `ops …` stands for any command.
    if (!/^[a-z]/.test(words[0]!)) return false
    return !commands.has(words.join(' ')) && !commands.has(words[0]!)
  })
  expect(unknown).toEqual([])
})
