import { taskTable } from '@ops-cli/core'

/** What a deployment reads of a build. The table is that of the plugin build, and none of its migrations is here. */
export const builds = taskTable('builds', (column) => ({
  ref: column.text(),
  revision: column.text(),
  artifact: column.text(),
  artifactSha256: column.text(),
}))
