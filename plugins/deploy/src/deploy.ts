import { defineProcessor, taskTable } from '@ops-cli/core'
import { looseObject } from 'valibot'
import { builds } from './artifact.ts'
import { deployBuild } from './deployment.ts'
import { knownEnvironment, openEnvironment } from './environment.ts'
import { settings } from './settings.ts'

export const deployments = taskTable('deployments', (column) => ({
  environment: column.text().notNull().describe('environment of the settings, such as staging'),
  buildId: column
    .reference(() => builds)
    .notNull()
    .describe('build to deploy; waits until it is finished'),
  releaseNumber: column.integer().result().describe('number of the new release'),
}))

export default defineProcessor({
  name: 'deploy',
  summary: 'Deploy a build, and go back if it fails',
  table: deployments,
  priority: 20,
  settings,
  input: (settings) => looseObject({ environment: knownEnvironment(settings) }),
  exclusiveBy: 'environment',
  after: 'buildId',
  timeout: ({ timeout }) => timeout,

  async perform(task, context) {
    return { releaseNumber: await deployBuild(task, openEnvironment(task.environment, context), context) }
  },
})
