import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { createTable } from '../../src/task-table/create-table.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { temporaryFolder } from './temporary-folder.ts'

export const npmProgram = join(dirname(createRequire(import.meta.url).resolve('npm/package.json')), 'bin', 'npm-cli.js')

export interface PackageOptions {
  readonly version?: string
  /** Where it is put; by default into a folder that is gone after the test. */
  readonly root?: string
  /** Its one module, `dist/<name>.js`. */
  readonly module?: string
  /** Put into, or over, what the package.json says otherwise. */
  readonly manifest?: object
  /** Further files by their paths. */
  readonly files?: Readonly<Record<string, string>>
}

/** The module of a processor that writes down how long the text of a task is. */
export function countingModule(name: string, table = `${name}s`, text = 'task.text.length'): string {
  return `import { defineProcessor, taskTable } from '@ops-cli/core'

export default defineProcessor({
  name: '${name}',
  table: taskTable('${table}', (column) => ({ text: column.text().notNull(), length: column.integer() })),
  perform: (task) => ({ length: ${text} }),
})
`
}

/** The folder of a plugin that is built: a processor of the name, and its table. */
export function pluginPackage(name: string, options: PackageOptions = {}): string {
  const { version = '1.0.0', module = countingModule(name), manifest, files = {}, root = temporaryFolder() } = options
  const ops = { api: 1, processors: { [name]: `./dist/${name}.js` }, migrations: './migrations' }
  const table = taskTable(`${name}s`, (column) => ({ text: column.text().notNull(), length: column.integer() }))
  const all = {
    'package.json': JSON.stringify({
      name: `ops-plugin-${name}`,
      version,
      type: 'module',
      oclif: {},
      ops,
      // npm would fetch all of ops, or fail where it is not published.
      peerDependencies: { '@ops-cli/core': '^0.1.0' },
      ...manifest,
    }),
    [`dist/${name}.js`]: module,
    [`migrations/sqlite/0000_${name}s.sql`]: createTable(table, 'sqlite').join('\n--> statement-breakpoint\n'),
    ...files,
  }
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

/** The tarball that `npm pack` makes of a folder in which everything is to be packed, without npm, which takes its time. */
export async function packed(root: string, to = temporaryFolder()): Promise<string> {
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const tarball = join(to, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`)
  const stage = temporaryFolder()
  cpSync(root, join(stage, 'package'), { recursive: true })
  await execa('tar', ['-czf', tarball, '-C', stage, 'package'])
  return tarball
}
