import { defineProcessor, programEnvironment, taskTable } from '@ops-cli/core'
import { looseObject, pipe, string, transform } from 'valibot'
import { packArtifact, removeArtifacts, removeOldArtifacts } from './artifact.ts'
import { runBuild } from './build-command.ts'
import { checkOut, shortRevision } from './checkout.ts'
import { gitFor } from './git.ts'
import { parseRepository, resolveTypedRepository } from './repository.ts'
import { settings } from './settings.ts'

export const builds = taskTable('builds', (column) => ({
  repository: column.text().notNull().describe('git URL or path'),
  ref: column.text().notNull().default('HEAD').describe('branch, tag or commit'),
  command: column.text().describe('build command for a shell [default: from the settings, else detected]'),
  revision: column.text().result().describe('commit that was built'),
  artifact: column.text().result().describe('path of the .tar.gz'),
  artifactSize: column.integer().result().describe('its size in bytes'),
  artifactSha256: column.text().result().describe('its checksum'),
}))

export default defineProcessor({
  name: 'build',
  summary: 'Build a git repository and keep the result',
  table: builds,
  priority: 10,
  settings,
  input: looseObject({ repository: pipe(string(), transform(resolveTypedRepository)) }),
  exclusive: ({ parallel }) => !parallel,
  timeout: ({ timeout }) => timeout,

  removeFiles: (ids, { stateDirectory }) => removeArtifacts(stateDirectory, ids),

  async perform(task, context) {
    const { settings, progress, log, find } = context
    const repository = parseRepository(task.repository, context.projectDirectory)
    const git = gitFor(repository, context)

    progress(0, 'fetching')
    const { folder, revision } = await checkOut(repository, task, git, context, (revision) =>
      progress(0.1, `checking out ${shortRevision(revision)}`),
    )

    progress(0.2, 'building')
    // No secrets of the worker: a build runs code that others wrote.
    const env = {
      CI: 'true',
      ...programEnvironment(settings.passEnv),
      ...settings.env,
      BUILD_REVISION: revision,
      BUILD_REF: task.ref,
      BUILD_NUMBER: String(task.id),
    }
    await runBuild(folder, { command: task.command ?? settings.command, install: settings.install }, env, context)

    progress(0.9, 'packing')
    const packed = await packArtifact(folder, { task: task.id, revision }, git, context)
    if (packed && settings.keep !== undefined) {
      await removeOldArtifacts(settings.keep, task, packed.artifact, log, (id) => find(builds, id))
    }
    return { revision, ...(packed ?? { artifact: null, artifactSize: null, artifactSha256: null }) }
  },
})
