import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { moveDatabaseFile, returnDatabaseFile } from '../queue/move-database.ts'
import { createAccount, findAccount, removeAccount } from '../systemd/accounts.ts'
import { setLingering } from '../systemd/lingering.ts'
import type { Preparation } from './apply-plan.ts'
import type { ServerDatabase } from './server-database.ts'

/** A user for the units. His files, such as the database, may outlive the units, and so does he. */
export function newUser(name: string, home: string): Preparation {
  return {
    what: `making the user ${name}`,
    apply: () => createAccount(name, home),
    async undo() {
      // With him the files would belong to a number, and the next user of that number.
      if (existsSync(home)) return `${home}, and the user ${name}, who owns it`
      await removeAccount(name)
    },
  }
}

/** The database of a project that ran here before, moved to where the units may write. */
export function movedDatabase(
  { from, to }: NonNullable<ServerDatabase['moved']>,
  user: string | undefined,
): Preparation {
  const folder = dirname(to)
  const isNew = !existsSync(folder)
  return {
    what: `moving the database ${from} to ${to}`,
    async apply() {
      const owner = user === undefined ? undefined : await findAccount(user)
      mkdirSync(folder, { recursive: true })
      if (isNew) chmodSync(folder, 0o750)
      if (isNew && owner !== undefined) chownSync(folder, owner.uid, owner.gid)
      await moveDatabaseFile(from, to, owner)
    },
    async undo() {
      await returnDatabaseFile(from, to)
      // With what the units have left in it, it is not ours to remove.
      if (isNew) removeIfEmpty(folder)
    },
  }
}

/** A node that stays where it is, although its owner changes his. */
export function copiedNode(from: string, to: string): Preparation {
  return {
    what: `copying ${from} to ${to}`,
    async apply() {
      mkdirSync(dirname(to), { recursive: true })
      copyFileSync(from, `${to}.copying`)
      chmodSync(`${to}.copying`, 0o755)
      renameSync(`${to}.copying`, to)
    },
    async undo() {
      rmSync(dirname(to), { recursive: true, force: true })
    },
  }
}

export function lingering(user: string): Preparation {
  return {
    what: `letting the units of ${user} live on after a logout`,
    apply: () => setLingering(user, true),
    undo: () => setLingering(user, false),
  }
}

/** Where the copy of a node is kept: one for each project and version, so that it can be removed with the project. */
export function nodeCopy(project: string, version: string): string {
  return join('/usr/local/lib/ops', project, `node-${version}`, 'node')
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Not empty.
  }
}
