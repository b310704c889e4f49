import fc from 'fast-check'
import { Random } from '../../torture/random.ts'
import { schemaChanges } from '../../torture/schema-changes.ts'
import { command, often } from './command.ts'
import { modelTables } from './tables.ts'

/**
 * An application migrates a table of its own, restores its rows, or drops what ops has put there; then `ops migrate` puts that
 * back. No task changes by it, whatever is open.
 */
const migrate = command(
  'migrate',
  fc.record({ table: fc.nat(modelTables.length - 1), change: fc.nat(4), seed: fc.nat(1000) }),
  async (_, system, { table, change, seed }) => {
    const { name, sql } = system.database
    const { name: of } = modelTables[table]!.table
    const act = schemaChanges[name][change % schemaChanges[name].length]!
    if (name === 'SQLite') {
      const [last] = await sql(`select seq from sqlite_sequence where name = '${of}'`)
      await sql('pragma foreign_keys = off')
      await sql('begin immediate')
      await act(sql, of, new Random(seed))
      // So that no id is given twice, of which the model knows nothing.
      await sql(`delete from sqlite_sequence where name = '${of}'`)
      if (last) await sql(`insert into sqlite_sequence (name, seq) values ('${of}', ${last.seq})`)
      await sql('commit')
      await sql('pragma foreign_keys = on')
    } else {
      await sql('begin')
      await act(sql, of, new Random(seed))
      await sql('commit')
    }
    await system.worker(0).queue.migrate([], modelTables)
  },
)

export const migrationCommands = often(2, migrate)
