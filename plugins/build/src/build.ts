import { defineProcessor, taskTable } from '@ops-cli/core'
import { looseObject, pipe, string, transform } from 'valibot'
import { packArtifact } from './artifact.ts'
import { keepNewest } from './artifact-retention.ts'
import { buildEnvironment } from './build-environment.ts'
import { checkOut } from './checkout.ts'
import { gitFor } from './git.ts'
import { fromWorkingDirectory, locateRepository } from './repository.ts'
import { runBuild } from './run-build.ts'
import { settings } from './settings.ts'
import { shortRevision } from './short-revision.ts'

export const builds = taskTable('builds', (column) => ({
  repository: column.text().notNull().describe('a git URL, or a path'),
  ref: column.text().notNull().default('HEAD').describe('a branch, a tag or a commit'),
  command: column.text().describe('the build, for a shell; else what the settings say, else what the repository is'),
  revision: column.text().result().describe('the commit that was built'),
  artifact: column.text().result().describe('the .tar.gz that came out'),
  artifactSize: column.integer().result().describe('its size in bytes'),
  artifactSha256: column.text().result().describe('its checksum'),
}))

export default defineProcessor({
  name: 'build',
  summary: 'Check out a revision, run its build, keep the result',
  table: builds,
  priority: 10,
  settings,
  input: looseObject({ repository: pipe(string(), transform(fromWorkingDirectory)) }),
  exclusive: ({ parallel }) => !parallel,
  timeout: ({ timeout }) => timeout,

  async perform(task, context) {
    const { settings, progress } = context
    const repository = locateRepository(task.repository, context.env.OPS_PROJECT ?? process.cwd())
    const git = gitFor(repository, context)

    progress(0, 'fetching')
    const { folder, revision } = await checkOut(repository, task, git, context, (revision) =>
      progress(0.1, `checking out ${shortRevision(revision)}`),
    )

    progress(0.2, 'building')
    const env = buildEnvironment(process.env, settings, { revision, ref: task.ref, number: task.id })
    await runBuild(folder, { command: task.command ?? settings.command, install: settings.install }, env, context)

    progress(0.9, 'packing')
    const packed = await packArtifact(folder, { task: task.id, revision }, git, context)
    if (packed && settings.keep !== undefined) {
      await keepNewest(settings.keep, task, packed.artifact, context.log, (id) => context.find(builds, id))
    }
    return { revision, ...(packed ?? { artifact: null, artifactSize: null, artifactSha256: null }) }
  },
})
