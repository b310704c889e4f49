// Writes the next migration for each database: what changed in the task table since the last one, as drizzle-kit sees
// it. `npm run migrations -- <name>`; the snapshots in meta are what it compares with.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
// Not drizzle-kit's command line: it loads the table as CommonJS, and cannot follow the imports of ops.
import * as kit from 'drizzle-kit/api'

// In a checkout ops is its sources; a build of it may be old or missing.
const core = new URL('../../src/index.ts', import.meta.url).href
registerHooks({
  resolve: (name, context, next) =>
    name === '@ops-cli/core' ? { url: core, shortCircuit: true } : next(name, context),
})
const { commands } = await import('./src/exec.ts')

const name = process.argv[2]
if (name === undefined) throw new Error('expected the name of the migration, as in: npm run migrations -- add_labels')

type Snapshot<T> = T & { id: string }

await write('sqlite', { commands: commands.sqlite }, kit.generateSQLiteDrizzleJson, kit.generateSQLiteMigration)
await write(
  'postgres',
  { commands: commands.postgres },
  async (tables, id) => kit.generateDrizzleJson(tables, id),
  kit.generateMigration,
)

async function write<T>(
  database: string,
  tables: Record<string, unknown>,
  describe: (tables: Record<string, unknown>, previous?: string) => Promise<Snapshot<T>>,
  compare: (from: Snapshot<T>, to: Snapshot<T>) => Promise<string[]>,
): Promise<void> {
  const folder = join(import.meta.dirname, 'migrations', database)
  const meta = join(folder, 'meta')
  mkdirSync(meta, { recursive: true })
  const snapshots = readdirSync(meta).sort()
  const last = snapshots.at(-1)
  const from: Snapshot<T> = last ? JSON.parse(readFileSync(join(meta, last), 'utf8')) : await describe({})
  const to = await describe(tables, from.id)
  const statements = await compare(from, to)
  if (statements.length === 0) return console.log(`${database}: nothing has changed`)
  const number = String(snapshots.length).padStart(4, '0')
  const file = join(folder, `${number}_${name}.sql`)
  writeFileSync(file, statements.map((statement) => statement.trimEnd()).join('\n--> statement-breakpoint\n'))
  writeFileSync(join(meta, `${number}_snapshot.json`), `${JSON.stringify(to, null, 2)}\n`)
  console.log(`${database}: wrote ${file}`)
}
