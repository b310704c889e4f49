import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { dialects } from './create-table.ts'

/** The names of the tables that the migrations of a plugin make, whichever database they are for. */
export function tablesMadeBy(migrations: string): Set<string> {
  const folders = dialects.map((dialect) => join(migrations, dialect)).filter((folder) => existsSync(folder))
  const texts = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.sql'))
      .map((name) => readFileSync(join(folder, name), 'utf8')),
  )
  return new Set(
    texts.flatMap((text) =>
      [...text.matchAll(/\bcreate\s+table\s+(?:if\s+not\s+exists\s+)?[`"[]?(\w+)/gi)].map(([, name]) => name!),
    ),
  )
}
