import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { TaskPrinter } from '../../src/output/task-printer.ts'
import type { TaskSnapshot } from '../../src/tasks/follow-task.ts'

const row: TaskSnapshot = { id: 1, status: 'pending', attempt: 0, progress: null, progressNote: null, error: null }

describe('the printer of a task', () => {
  it('prints its output, and a line of its own for each change', () => {
    const out = new PassThrough({ encoding: 'utf8' })
    const task = new TaskPrinter('build 1', out)
    task.changed(row)
    task.changed(row)
    task.hint('No worker is running. Start one: ops worker')
    task.changed(row)
    task.changed({ ...row, status: 'ongoing', attempt: 1 })
    task.output('one\ntwo')
    task.changed({ ...row, status: 'ongoing', attempt: 1, progress: 0.414, progressNote: 'linking' })
    task.output('three\n')
    task.changed({ ...row, status: 'failed', attempt: 1, progress: 0.414, progressNote: 'linking', error: 'no disk' })
    expect(out.read()).toBe(`── build 1 pending
── No worker is running. Start one: ops worker
── build 1 ongoing
one
two
── build 1 ongoing 41 %: linking
three
── build 1 failed: no disk
`)
  })

  it('keeps the last step of a progress bar where no terminal draws it', () => {
    const out = new PassThrough({ encoding: 'utf8' })
    const task = new TaskPrinter('build 1', out)
    task.output('50 %\r')
    task.output('60 %\r100 %, done.\nnext\r\n10 %\r20 %')
    task.changed(row)
    expect(out.read()).toBe('100 %, done.\nnext\n20 %\n── build 1 pending\n')
  })
})
