import { describe, expect, it } from 'vitest'
import { AuditTable, formatDetail } from '../../src/output/audit-table.ts'
import type { AuditEntry } from '../../src/queue/records.ts'

const entry: AuditEntry = {
  id: 1,
  at: new Date('2030-01-31T12:00:00Z'),
  taskTable: 'builds',
  taskId: 42,
  runId: undefined,
  event: 'failed',
  fromStatus: 'ongoing',
  toStatus: 'failed',
  actor: 'host-123-abc',
  detail: { error: 'no disk' },
}

describe('the detail of an audit entry', () => {
  it.each([
    ['enqueued', undefined, ''],
    ['failed', { error: 'no disk' }, 'no disk'],
    ['failed', { outcome: 'timed_out', error: 'timed out after 10m' }, 'timed out after 10m'],
    ['progress', { progress: 0.414, note: 'linking' }, '41 % linking'],
    ['progress', { progress: 1 }, '100 %'],
    ['held', { key: 'environment:production', reason: 'sale' }, 'environment:production: sale'],
    ['released', { key: 'environment:production' }, 'environment:production'],
    ['recovered', { worker: 'w', outcome: 'crashed', processor: 'build' }, 'worker w died: crashed'],
    ['recovered', { worker: 'w', outcome: 'timed_out' }, 'worker w died: timed out'],
    ['other', { a: 1, b: ['x'] }, 'a: 1, b: ["x"]'],
    ['other', 'text', 'text'],
  ])('%s %j is "%s"', (event, detail, words) => {
    expect(formatDetail({ event, detail })).toBe(words)
  })
})

describe('the table of an audit trail', () => {
  it('names the task, and has its header once', () => {
    const table = new AuditTable({ width: undefined, isColoured: false })
    const first = table.render([{ ...entry, task: 'build 42' }], entry.at).split('\n')
    expect(first[0]).toMatch(/^time +task +event +status +by +detail$/)
    expect(first[1]).toMatch(/ build 42 {2}failed {2}ongoing → failed {2}host-123-abc {2}no disk$/)
    expect(table.render([{ ...entry, task: 'build 42' }], entry.at)).toBe(first[1])
  })

  it('says less on a narrow screen', () => {
    const table = new AuditTable({ width: 60, isColoured: false })
    const [, line] = table.render([{ ...entry, task: 'build 42' }], entry.at).split('\n')
    expect(line).toMatch(/^\d\d:\d\d:\d\d {2}build 42 {2}failed {2}→ failed {2}host-123-abc {2}no disk$/)
  })
})
