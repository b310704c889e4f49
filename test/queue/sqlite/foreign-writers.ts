import { execFileSync, spawnSync } from 'node:child_process'
import Database from 'better-sqlite3'

/** A program that writes to the database and knows nothing of ops. */
export interface ForeignWriter {
  readonly name: string
  /** Why it cannot write here. */
  readonly missing: string | undefined
  /** Fails with the message that its user would see. */
  write(file: string, sql: string): void
}

const version = spawnSync('sqlite3', ['--version'], { encoding: 'utf8' }).stdout?.split(' ')[0]

export const sqliteProgram: ForeignWriter = {
  name: version === undefined ? 'the sqlite3 program' : `the sqlite3 program ${version}`,
  missing: version === undefined ? 'there is no sqlite3' : undefined,
  write(file, sql) {
    execFileSync('sqlite3', ['-batch', '-bail', file, sql], { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })
  },
}

const plainConnection: ForeignWriter = {
  name: 'a connection that sets nothing',
  missing: undefined,
  write(file, sql) {
    const database = new Database(file)
    try {
      database.exec(sql)
    } finally {
      database.close()
    }
  },
}

export const foreignWriters = [plainConnection, sqliteProgram]
