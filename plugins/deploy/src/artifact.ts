import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { TaskContext } from '@ops-cli/core'
import { builds } from './builds.ts'
import { baseEnvironment } from './environment-variables.ts'
import { ArtifactChangedError, ArtifactGoneError, NoArtifactError, UnsafeArtifactError } from './errors.ts'
import type { Runner } from './runner.ts'

/** What a build kept, found to be what it recorded. */
export interface Artifact {
  readonly file: string
  readonly sha256: string
  readonly build: number
  readonly ref: string | null
  readonly revision: string | null
}

/** @throws NoArtifactError, ArtifactGoneError, ArtifactChangedError, UnsafeArtifactError */
export async function findArtifact(
  id: number,
  { find, signal }: Pick<TaskContext, 'find' | 'signal'>,
  runner: Runner,
): Promise<Artifact> {
  const build = await find(builds, id)
  if (!build?.artifact || !build.artifactSha256) throw new NoArtifactError(id)
  const { artifact: file, artifactSha256: expected, ref, revision } = build
  if (!existsSync(file)) throw new ArtifactGoneError(id, file)
  const sha256 = await checksum(file, signal)
  if (sha256 !== expected) throw new ArtifactChangedError(id, expected, sha256)
  const members = await runner('tar', ['-tzf', file], { env: baseEnvironment(process.env), isAsked: true })
  const unsafe = members.split('\n').find(isUnsafe)
  if (unsafe !== undefined) throw new UnsafeArtifactError(id, unsafe)
  return { file, sha256, build: id, ref, revision }
}

/** tar itself does not write through links that lead out of its folder; a name that leads out is no mistake. */
export function isUnsafe(member: string): boolean {
  return member.startsWith('/') || member.split('/').includes('..')
}

async function checksum(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash, { signal })
  return hash.digest('hex')
}
