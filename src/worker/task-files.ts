import { rmSync, statSync } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ReadyProcessor } from '../processor/ready-processor.ts'
import type { RemovedFiles } from '../processor/task-context.ts'
import type { PrunedFiles } from '../queue/history.ts'
import { logFile, logFolder } from './task-log.ts'

const nothing: RemovedFiles = { files: 0, bytes: 0 }

/** The logs and other files of tasks, in the folders of this machine. */
export class TaskFiles {
  readonly #folders: { readonly stateDirectory: string; readonly projectDirectory: string }
  readonly #processors: ReadonlyMap<string, ReadyProcessor>

  constructor(
    processors: readonly ReadyProcessor[],
    { stateDirectory, projectDirectory }: { readonly stateDirectory: string; readonly projectDirectory: string },
  ) {
    this.#folders = { stateDirectory, projectDirectory }
    this.#processors = new Map(processors.map((ready) => [ready.queued.table.name, ready]))
  }

  /** Removes what is left of pruned tasks. */
  async remove(table: string, tasks: readonly PrunedFiles[]): Promise<{ logs: RemovedFiles; artifacts: RemovedFiles }> {
    const { stateDirectory } = this.#folders
    const names = tasks.flatMap(({ id, attempts }) =>
      attempts.map((attempt) => logFile(stateDirectory, table, id, attempt)),
    )
    return { logs: sum(names.map(removeFile)), artifacts: await this.removeArtifacts(table, tasks) }
  }

  async removeArtifacts(table: string, tasks: readonly PrunedFiles[]): Promise<RemovedFiles> {
    const ready = this.#processors.get(table)
    if (!ready?.processor.removeFiles || tasks.length === 0) return nothing
    const ids = tasks.map(({ id }) => id)
    return ready.processor.removeFiles(ids, { ...this.#folders, settings: ready.settings })
  }

  /** The logs of a table: their task, when the last line was written and their size. */
  async *logs(table: string): AsyncGenerator<{ file: string; id: string; at: number; bytes: number }> {
    const folder = logFolder(this.#folders.stateDirectory, table)
    const entries = await opendir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    for await (const { name } of entries ?? []) {
      const id = /^(.+)\.\d+\.log$/.exec(name)?.[1]
      const file = join(folder, name)
      const stat = statSync(file, { throwIfNoEntry: false })
      if (id !== undefined && stat?.isFile()) yield { file, id, at: stat.mtimeMs, bytes: stat.size }
    }
  }
}

export function removeFile(file: string): RemovedFiles {
  const stat = statSync(file, { throwIfNoEntry: false })
  if (!stat) return nothing
  rmSync(file, { force: true })
  return { files: 1, bytes: stat.size }
}

export function sum(all: readonly RemovedFiles[]): RemovedFiles {
  return all.reduce((a, b) => ({ files: a.files + b.files, bytes: a.bytes + b.bytes }), nothing)
}
