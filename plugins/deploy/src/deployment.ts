import type { TaskContext } from '@ops-cli/core'
import { activate } from './activation.ts'
import { type Artifact, findArtifact } from './artifact.ts'
import { failpoint } from './failpoint.ts'
import { inTheEnd, isOurs } from './last-steps.ts'
import { type About, earlierRelease, nextNumber, type Releases, releasesToRemove } from './releases.ts'
import { taskRunner } from './runner.ts'
import type { Settings } from './settings.ts'
import type { Site } from './site.ts'

interface Deployment {
  readonly id: number
  readonly environment: string
  readonly buildId: number
}

/** Puts a build into an environment, step by step, and returns the number of its release. */
export async function performDeployment(task: Deployment, site: Site, context: TaskContext<Settings>): Promise<number> {
  const { progress, log } = context
  progress(0, `checking the artifact of build ${task.buildId}`)
  const artifact = await findArtifact(task.buildId, context, taskRunner(context))

  progress(0.1, `preparing ${site.target.name}`)
  const releases = await site.target.begin()
  failpoint('begun')
  const number = nextNumber(releases)
  log(`build ${artifact.build} becomes release ${number} of ${site.name}`)
  // Before a new one comes: a full disk is often one of deployments that failed.
  await prune(releases, earlierRelease(releases)?.number, site, log)

  const about = aboutRelease(task, artifact, context)
  await make(number, about, artifact, site, context)
  const before = releases.all.find((release) => release.number === releases.current)
  await activate({ number, about }, before, site, context)

  progress(0.95, 'removing old releases')
  const made = { number, about, isProven: true, withdrawn: undefined }
  await prune({ all: [...releases.all, made], current: number }, releases.current, site, log)
  failpoint('pruned')
  return number
}

/** Makes a release that is complete and not current. What fails leaves nothing. */
async function make(
  number: number,
  about: About,
  artifact: Artifact,
  site: Site,
  context: TaskContext<Settings>,
): Promise<void> {
  const { progress, log, signal } = context
  const { target, settings } = site
  const partial = `${number}.partial`
  try {
    progress(0.2, `unpacking into ${target.name}/releases/${partial}`)
    await target.unpack(number, artifact)
    failpoint('unpacked')
    if (settings.shared.length > 0) progress(0.4, 'linking what releases share')
    await target.link(number, settings.shared)
    failpoint('linked')
    if (settings.before.length > 0) progress(0.45, 'running the commands before the switch')
    await site.run(settings.before, partial, about)
    failpoint('prepared')
    await target.complete(number, about)
    log(`release ${number} is complete`)
    failpoint('completed')
  } catch (error) {
    if (isOurs(signal)) {
      const leftovers = [partial, `${partial}.tar.gz`]
      await inTheEnd(site, context, (last) => last.target.remove(leftovers)).catch(() => {
        // The next deployment does it.
      })
    }
    throw error
  }
}

function aboutRelease({ id, environment }: Deployment, artifact: Artifact, { env }: TaskContext<Settings>): About {
  const { build, ref, revision, sha256 } = artifact
  const at = new Date().toISOString()
  return { environment, build, ref, revision, deployment: id, run: Number(env.OPS_RUN_ID), at, sha256 }
}

/** What cannot be removed does no harm to what runs. */
async function prune(
  releases: Releases,
  before: number | undefined,
  site: Site,
  log: (line: string) => void,
): Promise<void> {
  const old = releasesToRemove(releases, before, site.settings.keep)
  if (old.length === 0) return
  try {
    await site.target.remove(old)
    log(`removed release ${old.join(', ')}, since ${site.settings.keep} are kept`)
  } catch (error) {
    log(`old releases stay: ${(error as Error).message}`)
  }
}
