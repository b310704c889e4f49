import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { moveDatabaseFile, returnDatabaseFile } from '../queue/open-queue.ts'
import { createAccount, findAccount, removeAccount, setLingering } from '../systemd/accounts.ts'

/** A step of an installation that comes before the files. */
export type Preparation =
  | { readonly kind: 'create-user'; readonly user: string; readonly home: string }
  /** The copy stays when the owner of a node in a home changes it. */
  | { readonly kind: 'copy-node'; readonly from: string; readonly to: string }
  /** The database of a project that has run here before, moved to where the units may write. */
  | {
      readonly kind: 'move-database'
      readonly from: string
      readonly to: string
      readonly user: string | undefined
      readonly isNewFolder: boolean
    }
  /** Keeps the user's units running after a logout. */
  | { readonly kind: 'enable-lingering'; readonly user: string }

export async function applyPreparation(step: Preparation): Promise<void> {
  switch (step.kind) {
    case 'create-user':
      return createAccount(step.user, step.home)
    case 'copy-node':
      return copyNode(step.from, step.to)
    case 'enable-lingering':
      return setLingering(step.user, true)
    case 'move-database': {
      const owner = step.user === undefined ? undefined : await findAccount(step.user)
      const folder = dirname(step.to)
      mkdirSync(folder, { recursive: true })
      if (step.isNewFolder) chmodSync(folder, 0o750)
      if (step.isNewFolder && owner !== undefined) chownSync(folder, owner.uid, owner.gid)
      await moveDatabaseFile(step.from, step.to, owner)
    }
  }
}

/** @returns what could not be removed */
export async function undoPreparation(step: Preparation): Promise<string[]> {
  switch (step.kind) {
    case 'create-user':
      // Without the user its files would belong to a number, and then to the next user with that number.
      if (existsSync(step.home)) return [step.home, `its owner, the user ${step.user}`]
      await removeAccount(step.user)
      return []
    case 'copy-node':
      rmSync(dirname(step.to), { recursive: true, force: true })
      return []
    case 'enable-lingering':
      await setLingering(step.user, false)
      return []
    case 'move-database':
      await returnDatabaseFile(step.from, step.to)
      if (step.isNewFolder) removeIfEmpty(dirname(step.to))
      return []
  }
}

function copyNode(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(from, `${to}.copying`)
  chmodSync(`${to}.copying`, 0o755)
  renameSync(`${to}.copying`, to)
}

const NODE_COPIES = '/usr/local/lib/ops'

/** The copy of a node: one for each project and version, so that it can be removed with the project. */
export function nodeCopy(project: string, version: string): string {
  return join(NODE_COPIES, project, `node-${version}`, 'node')
}

export function isNodeCopy(node: string): boolean {
  return node.startsWith(`${NODE_COPIES}/`)
}

export function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // It has files of others.
  }
}
