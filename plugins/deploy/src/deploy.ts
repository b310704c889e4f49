import { defineProcessor, taskTable } from '@ops-cli/core'
import { looseObject } from 'valibot'
import { builds } from './builds.ts'
import { performDeployment } from './deployment.ts'
import { knownEnvironment } from './find-environment.ts'
import { openSite } from './open-site.ts'
import { settings } from './settings.ts'

export const deployments = taskTable('deployments', (column) => ({
  environment: column.text().notNull().describe('an environment of the settings, such as staging'),
  buildId: column
    .reference(() => builds)
    .notNull()
    .describe('the build; one that has not ended yet is waited for'),
  releaseNumber: column.integer().result().describe('the release that it became'),
}))

export default defineProcessor({
  name: 'deploy',
  summary: 'Put a build into an environment, and take it back when it does not work',
  table: deployments,
  priority: 20,
  settings,
  input: (settings) => looseObject({ environment: knownEnvironment(settings) }),
  exclusiveBy: 'environment',
  after: 'buildId',
  timeout: ({ timeout }) => timeout,

  async perform(task, context) {
    return { releaseNumber: await performDeployment(task, openSite(task.environment, context), context) }
  },
})
