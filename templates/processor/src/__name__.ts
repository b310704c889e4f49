import { defineProcessor, taskTable } from '@ops-cli/core'

/** A task is a row of this table. Its status, times and error are columns that ops adds. */
export const __rows__ = taskTable('__table__', (column) => ({
  __columns__,
}))

export default defineProcessor({
  name: '__name__',
  summary: 'Say what a task of __name__ does',
  table: __rows__,
  priority: __priority__,
  exclusiveBy: '__exclusiveBy__',

  /** What it returns goes into the task's own columns, and what it throws fails the task. */
  async perform(task, { log, progress }) {
    __logs__
    progress(1, 'done')
  },
})
