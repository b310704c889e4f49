import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { chmod, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import {
  formatBytes,
  parseSize,
  programEnvironment,
  type RemovedFiles,
  type TaskContext,
  TaskError,
} from '@ops-cli/core'
import { shortRevision } from './checkout.ts'
import type { Git } from './git.ts'
import { runProgram } from './run-program.ts'
import type { Settings } from './settings.ts'
import { tarArguments } from './tar.ts'

export interface Artifact {
  /** Its absolute path. */
  readonly artifact: string
  readonly artifactSize: number
  readonly artifactSha256: string
}

const USUAL_FOLDERS = ['dist', 'build', 'out', 'target/release']

/**
 * Packs the result of a build. The archive appears under its name only when it is complete.
 *
 * @returns undefined when there is nothing to pack
 * @throws TaskError when the build did not create the configured artifact
 */
export async function packArtifact(
  checkout: string,
  build: { readonly task: number; readonly revision: string },
  git: Git,
  context: TaskContext<Settings>,
): Promise<Artifact | undefined> {
  const { log, signal, settings, stateDirectory } = context
  const source = chooseSource(checkout, settings.artifact)
  if (source === undefined) {
    log(
      settings.artifact === false
        ? 'no artifact, as configured'
        : `no artifact: the build created none of ${USUAL_FOLDERS.join(', ')}`,
    )
    return undefined
  }
  const folder = artifactFolder(stateDirectory)
  const path = join(folder, `${build.task}-${shortRevision(build.revision)}.tar.gz`)
  const temporary = `${path}.part`
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await removeOlder(folder, build.task)
  try {
    const committedAt = await git.ask(
      '-C',
      checkout,
      'show',
      '--no-patch',
      '--no-show-signature',
      '--format=%ct',
      build.revision,
    )
    const args = await tarArguments({ file: temporary, source: join(checkout, source), modifiedAt: committedAt })
    await runTar(source, args, context)
    const packed = {
      artifact: path,
      artifactSize: (await stat(temporary)).size,
      artifactSha256: await sha256(temporary, signal),
    }
    await chmod(temporary, 0o600)
    await flush(temporary)
    await rename(temporary, path)
    await flush(folder)
    log(`packed ${source} into ${path} (${formatBytes(packed.artifactSize)}, sha256 ${packed.artifactSha256})`)
    return packed
  } finally {
    await rm(temporary, { force: true })
  }
}

/** The system ends a program that writes more than this to one file, so that no artifact fills the disk. */
async function runTar(source: string, args: readonly string[], context: TaskContext<Settings>): Promise<void> {
  const { maxArtifact } = context.settings
  const limit = parseSize(maxArtifact, 'plugins.build.maxArtifact')
  const script = `ulimit -f ${Math.ceil(limit / ULIMIT_BLOCK)}; exec tar "$@"`
  try {
    // Not the worker's whole environment: tar and gzip read options from TAR_OPTIONS and GZIP.
    const env = programEnvironment()
    await runProgram(`tar -cz ${source}`, ['sh', '-c', script, 'tar', ...args], { env }, context)
  } catch (error) {
    const size = (await stat(args[args.indexOf('-f') + 1]!).catch(() => undefined))?.size ?? 0
    if (!(error instanceof TaskError) || size < limit) throw error
    throw new TaskError(`${source} is larger than ${maxArtifact} when packed; see "plugins.build.maxArtifact"`)
  }
}

/** Bytes, by POSIX. */
const ULIMIT_BLOCK = 512

function artifactFolder(stateDirectory: string): string {
  return join(stateDirectory, 'artifacts', 'builds')
}

function chooseSource(checkout: string, configured: string | false | undefined): string | undefined {
  if (configured === false) return undefined
  if (configured === undefined) return USUAL_FOLDERS.find((folder) => existsSync(join(checkout, folder)))
  if (!existsSync(join(checkout, configured)))
    throw new TaskError(
      `the build did not create "${configured}"; set "plugins.build.artifact" to what it creates, or to false to keep nothing`,
    )
  return configured
}

/** An earlier run of the same task may have been killed while it packed, or before its result was written. */
async function removeOlder(folder: string, task: number): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(`${task}-`))
  await Promise.all(names.map((name) => rm(join(folder, name), { force: true })))
}

async function sha256(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash, { signal })
  return hash.digest('hex')
}

/** Without it a power loss could leave an empty file for a task that succeeded. */
async function flush(path: string): Promise<void> {
  await using handle = await open(path)
  await handle.sync()
}

interface Build {
  readonly id: number
  readonly repository: string
}

/**
 * Removes the oldest artifacts of a repository. Their tasks keep their columns.
 *
 * @param keep how many stay, the newest included
 * @param newest the artifact of this build, which always stays
 * @param find finds the build of an artifact
 */
export async function removeOldArtifacts(
  keep: number,
  build: Build,
  newest: string,
  log: (line: string) => void,
  find: (id: number) => Promise<Build | undefined>,
): Promise<void> {
  const folder = dirname(newest)
  const older: { id: number; name: string }[] = []
  for (const name of await readdir(folder)) {
    const id = Number(/^(\d+)-[0-9a-f]+\.tar\.gz$/.exec(name)?.[1] ?? Number.NaN)
    if (Number.isNaN(id) || name === basename(newest)) continue
    if ((await find(id))?.repository === build.repository) older.push({ id, name })
  }
  for (const { name } of older.toSorted((a, b) => b.id - a.id).slice(keep - 1)) {
    await rm(join(folder, name), { force: true })
    log(`removed ${join(folder, name)} (keeping the newest ${keep})`)
  }
}

/** Removes the artifacts of builds, whatever their commit. */
export async function removeArtifacts(stateDirectory: string, ids: readonly number[]): Promise<RemovedFiles> {
  const folder = artifactFolder(stateDirectory)
  if (!existsSync(folder)) return { files: 0, bytes: 0 }
  const wanted = new Set(ids.map(String))
  const names = (await readdir(folder)).filter((name) => wanted.has(name.split('-')[0]!))
  let bytes = 0
  for (const name of names) {
    bytes += (await stat(join(folder, name))).size
    await rm(join(folder, name), { force: true })
  }
  return { files: names.length, bytes }
}
