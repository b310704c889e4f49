import { defineProcessor, taskTable } from '@ops-cli/core'

/** Each row is a task. ops adds the columns for its status, times and error. */
export const __rows__ = taskTable('__table__', (column) => ({
  __columns__,
}))

export default defineProcessor({
  name: '__name__',
  summary: 'Describe what __name__ does',
  table: __rows__,
  priority: __priority__,
  exclusiveBy: '__exclusiveBy__',

  /** Return values for columns of the task; throw to fail it. */
  async perform(task, { log, progress }) {
    __logs__
    progress(1, 'done')
  },
})
