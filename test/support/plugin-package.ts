import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { findNpm } from '../../src/plugins/find-npm.ts'
import { createTable } from '../../src/task-table/create-table.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { temporaryFolder } from './temporary-folder.ts'

export const npmProgram = findNpm()

export interface PackageOptions {
  readonly version?: string
  /** Its folder; by default one that is removed after the test. */
  readonly root?: string
  /** Its one module, `dist/<name>.js`. */
  readonly module?: string
  /** Merged into the package.json. */
  readonly manifest?: object
  /** More files, by path. */
  readonly files?: Readonly<Record<string, string>>
}

/** The module of a processor that stores the length of the task's text. */
export function countingModule(name: string, table = `${name}s`, text = 'task.text.length'): string {
  return `import { defineProcessor, taskTable } from '@ops-cli/core'

export default defineProcessor({
  name: '${name}',
  table: taskTable('${table}', (column) => ({ text: column.text().notNull(), length: column.integer() })),
  perform: (task) => ({ length: ${text} }),
})
`
}

/** The folder of a built plugin with one processor and its table. */
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
      // npm would fetch all of ops, or fail because it is not published.
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

/** A tarball of all files in a folder, as `npm pack` makes it but without npm, which is slow. */
export async function packed(root: string, to = temporaryFolder()): Promise<string> {
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const tarball = join(to, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`)
  const stage = temporaryFolder()
  cpSync(root, join(stage, 'package'), { recursive: true })
  await execa('tar', ['-czf', tarball, '-C', stage, 'package'])
  return tarball
}
