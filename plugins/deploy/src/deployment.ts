import type { TaskContext } from '@ops-cli/core'
import { activate } from './activation.ts'
import { type Artifact, findArtifact } from './artifact.ts'
import { cleanUp, type Environment, isHeld } from './environment.ts'
import { failpoint } from './failpoint.ts'
import { nextNumber, previousRelease, type ReleaseInfo, type Releases, releasesToRemove } from './releases.ts'
import { taskRunner } from './runner.ts'
import type { Settings } from './settings.ts'

interface Deployment {
  readonly id: number
  readonly environment: string
  readonly buildId: number
}

/** Deploys a build to an environment and returns the number of its release. */
export async function deployBuild(
  task: Deployment,
  environment: Environment,
  context: TaskContext<Settings>,
): Promise<number> {
  const { progress, log } = context
  progress(0, `checking the artifact of build ${task.buildId}`)
  const artifact = await findArtifact(task.buildId, context, taskRunner(context))

  progress(0.1, `preparing ${environment.target.name}`)
  const releases = await environment.target.begin()
  failpoint('begun')
  const number = nextNumber(releases)
  log(`deploying build ${artifact.build} as release ${number} of ${environment.name}`)
  // Before the new release: failed deployments may have filled the disk.
  await prune(releases, previousRelease(releases)?.number, environment, log)

  const info = releaseInfo(task, artifact, context)
  await createRelease(number, info, artifact, environment, context)
  const before = releases.all.find((release) => release.number === releases.current)
  await activate({ number, info }, before, environment, context)

  progress(0.95, 'removing old releases')
  const created = { number, info, isVerified: true, withdrawn: undefined }
  await prune({ all: [...releases.all, created], current: number }, releases.current, environment, log)
  failpoint('pruned')
  return number
}

/** Creates a complete release that is not current yet. Leaves nothing behind if it fails. */
async function createRelease(
  number: number,
  info: ReleaseInfo,
  artifact: Artifact,
  environment: Environment,
  context: TaskContext<Settings>,
): Promise<void> {
  const { progress, log, signal } = context
  const { target, settings } = environment
  const partial = `${number}.partial`
  try {
    progress(0.2, `unpacking into ${target.name}/releases/${partial}`)
    await target.unpack(number, artifact)
    failpoint('unpacked')
    if (settings.shared.length > 0) progress(0.4, 'linking shared paths')
    await target.link(number, settings.shared)
    failpoint('linked')
    if (settings.before.length > 0) progress(0.45, 'running the commands before the switch')
    await environment.run(settings.before, partial, info)
    failpoint('prepared')
    await target.complete(number, info)
    log(`release ${number} is complete`)
    failpoint('completed')
  } catch (error) {
    if (isHeld(signal)) {
      const leftovers = [partial, `${partial}.tar.gz`]
      await cleanUp(environment, context, (last) => last.target.remove(leftovers)).catch(() => {
        // The next deployment removes them.
      })
    }
    throw error
  }
}

function releaseInfo({ id, environment }: Deployment, artifact: Artifact, { env }: TaskContext<Settings>): ReleaseInfo {
  const { build, ref, revision, sha256 } = artifact
  const at = new Date().toISOString()
  return { environment, build, ref, revision, deployment: id, run: Number(env.OPS_RUN_ID), at, sha256 }
}

/** Removes old releases. A failure to do so does not matter to the deployment. */
async function prune(
  releases: Releases,
  before: number | undefined,
  environment: Environment,
  log: (line: string) => void,
): Promise<void> {
  const { keep } = environment.settings
  const old = releasesToRemove(releases, before, keep)
  if (old.length === 0) return
  try {
    await environment.target.remove(old)
    log(`removed ${old.length === 1 ? 'release' : 'releases'} ${old.join(', ')} (keeping the newest ${keep})`)
  } catch (error) {
    log(`could not remove old releases: ${(error as Error).message}`)
  }
}
