import { resolve } from 'node:path'
import Database from 'better-sqlite3'

/*
 * The shop's own data. All it knows about ops is the table `builds`: no client library, no broker, no HTTP call.
 */

const project = import.meta.dirname

/** The database of `ops`: the default one, or that of OPS_DATABASE_URL. */
export function databaseFile(env = process.env) {
  const url = env.OPS_DATABASE_URL || 'sqlite:.ops/ops.db'
  if (!url.startsWith('sqlite:'))
    throw new Error('This example supports only SQLite: OPS_DATABASE_URL must start with "sqlite:".')
  return resolve(project, url.slice('sqlite:'.length))
}

export class Store {
  #file
  #connections = {}

  constructor(file = databaseFile()) {
    this.#file = file
  }

  /**
   * Orders a build: the shop's own row and the task, in ONE transaction. Either both exist or neither: no order waits for
   * a task that was never added, and no task lacks its order. The worker sees the task as soon as the transaction is
   * committed; the row's defaults make it pending.
   */
  orderBuild({ repository, ref = 'HEAD', command = null, orderedBy }) {
    const database = this.#writer
    return database
      .transaction(() => {
        const { id } = database
          .prepare('insert into builds (repository, ref, command) values (?, ?, ?) returning id')
          .get(repository, ref, command)
        database.prepare('insert into orders (build_id, ordered_by) values (?, ?)').run(id, orderedBy)
        return id
      })
      .immediate()
  }

  builds() {
    return this.#reader.prepare(`select ${columns} from builds order by id desc limit 50`).all()
  }

  /** A build with its history, which ops records with triggers, whichever client changes the row. */
  build(id) {
    const build = this.#reader.prepare(`select ${columns} from builds where id = ?`).get(id)
    if (build === undefined) return undefined
    const audit = this.#reader
      .prepare(
        `select at, event, from_status, to_status, actor from ops_audit where task_table = 'builds' and task_id = ? order by id`,
      )
      .all(id)
    return { ...build, audit }
  }

  /** A number that changes with each commit of another connection. Reading it takes microseconds and no lock. */
  version() {
    return this.#reader.pragma('data_version', { simple: true })
  }

  close() {
    for (const connection of Object.values(this.#connections)) connection.close()
    this.#connections = {}
  }

  get #writer() {
    this.#connections.writer ??= this.#open((database) => {
      database.exec(`create table if not exists orders (
        id integer primary key,
        build_id integer not null references builds (id),
        ordered_by text not null,
        ordered_at text not null default current_timestamp
      )`)
    })
    return this.#connections.writer
  }

  /** A separate connection, because `data_version` ignores commits of its own connection. */
  get #reader() {
    this.#connections.reader ??= this.#open()
    return this.#connections.reader
  }

  #open(prepare = () => {}) {
    const database = new Database(this.#file, { fileMustExist: true })
    try {
      database.pragma('journal_mode = WAL')
      // SQLite has one writer at a time. This one waits for its turn instead of failing at once.
      database.pragma('busy_timeout = 5000')
      database.pragma('foreign_keys = ON')
      prepare(database)
      return database
    } catch (error) {
      database.close()
      throw error
    }
  }
}

const columns = `id, status, created_at, run_at, attempt, started_at, finished_at, error, progress, progress_note,
  repository, ref, command, revision, artifact, artifact_size, artifact_sha256`
