import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { type TaskContext, TaskError, taskTable } from '@ops-cli/core'
import { localVariables } from './environment.ts'
import type { Runner } from './runner.ts'

/** The columns of the plugin build that a deployment reads. */
export const builds = taskTable('builds', (column) => ({
  ref: column.text(),
  revision: column.text(),
  artifact: column.text(),
  artifactSha256: column.text(),
}))

/** The verified artifact of a build. */
export interface Artifact {
  readonly file: string
  readonly sha256: string
  readonly build: number
  readonly ref: string | null
  readonly revision: string | null
}

/** @throws TaskError when the artifact is missing, changed or unsafe */
export async function findArtifact(
  id: number,
  { find, signal }: Pick<TaskContext, 'find' | 'signal'>,
  runner: Runner,
): Promise<Artifact> {
  const build = await find(builds, id)
  if (!build?.artifact || !build.artifactSha256)
    throw new TaskError(`build ${id} has no artifact; set "plugins.build.artifact" to what it creates, and build again`)
  const { artifact: file, artifactSha256: expected, ref, revision } = build
  if (!existsSync(file)) throw new TaskError(`the artifact of build ${id} does not exist (${file}); build again`)
  const sha256 = await checksum(file, signal)
  if (sha256 !== expected) {
    const [wanted, got] = [expected, sha256].map((sum) => `${sum.slice(0, 12)}…`)
    throw new TaskError(`the artifact of build ${id} has changed: expected sha256 ${wanted}, got ${got}; build again`)
  }
  const members = await runner('tar', ['-tzf', file], { env: localVariables(), capture: true })
  const unsafe = members.split('\n').find(isUnsafe)
  if (unsafe !== undefined)
    throw new TaskError(`the artifact of build ${id} contains a path outside of the release: "${unsafe}"`)
  return { file, sha256, build: id, ref, revision }
}

/** tar itself does not write outside of its folder, but such a name is never a mistake. */
export function isUnsafe(member: string): boolean {
  return member.startsWith('/') || member.split('/').includes('..')
}

async function checksum(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash, { signal })
  return hash.digest('hex')
}
