import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { TaskContext } from '@ops-cli/core'
import { baseEnvironment } from './build-environment.ts'
import { ArtifactMissingError } from './errors.ts'
import type { Git } from './git.ts'
import { runProgram } from './run-program.ts'
import type { Settings } from './settings.ts'
import { shortRevision } from './short-revision.ts'
import { tarArguments } from './tar.ts'

export interface Artifact {
  /** Its absolute path. */
  readonly artifact: string
  readonly artifactSize: number
  readonly artifactSha256: string
}

const usualFolders = ['dist', 'build', 'out', 'target/release']

/** Where artifacts are, under the state directory. */
export function artifactFolder(stateDirectory: string): string {
  return join(stateDirectory, 'artifacts', 'builds')
}

/**
 * Packs what a build made. It appears under its name only when it is whole.
 *
 * @returns undefined when there is nothing to keep
 * @throws ArtifactMissingError when the settings name something that the build did not make
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
        ? 'no artifact is kept, as configured'
        : `no artifact: there is no ${usualFolders.join(', ')}`,
    )
    return undefined
  }
  const folder = artifactFolder(stateDirectory)
  const path = join(folder, `${build.task}-${shortRevision(build.revision)}.tar.gz`)
  const temporary = `${path}.part`
  await mkdir(folder, { recursive: true })
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
    // Not the worker's whole environment: tar and gzip take options from TAR_OPTIONS and GZIP.
    await runProgram(`tar -cz ${source}`, ['tar', ...args], { env: baseEnvironment(process.env) }, context)
    const packed = {
      artifact: path,
      artifactSize: (await stat(temporary)).size,
      artifactSha256: await sha256(temporary, signal),
    }
    await flush(temporary)
    await rename(temporary, path)
    await flush(folder)
    log(`packed ${source} into ${path} (${packed.artifactSize} bytes, sha256 ${packed.artifactSha256})`)
    return packed
  } finally {
    await rm(temporary, { force: true })
  }
}

function chooseSource(checkout: string, configured: string | false | undefined): string | undefined {
  if (configured === false) return undefined
  if (configured === undefined) return usualFolders.find((folder) => existsSync(join(checkout, folder)))
  if (!existsSync(join(checkout, configured))) throw new ArtifactMissingError(configured)
  return configured
}

/** An earlier run of the same task may have been killed while it packed, or before its end was written. */
async function removeOlder(folder: string, task: number): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(`${task}-`))
  await Promise.all(names.map((name) => rm(join(folder, name), { force: true })))
}

async function sha256(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash, { signal })
  return hash.digest('hex')
}

/** Without it a power loss could leave an empty file behind a task that succeeded. */
async function flush(path: string): Promise<void> {
  await using handle = await open(path)
  await handle.sync()
}
