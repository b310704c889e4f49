import { describe, expect, it } from 'vitest'
import { taskTable } from '../../src/task-table/described-table.ts'
import type { TaskTable } from '../../src/task-table/task-table.ts'

const builds = taskTable('builds', (column) => ({
  repository: column.text().notNull().describe('URL or path'),
  ref: column.text().notNull().default('HEAD'),
  artifactSize: column.integer(),
}))

describe('a task table', () => {
  it('has the lifecycle columns before its own', () => {
    const names = Object.values(builds.columns).map(({ name }) => name)
    expect(names).toEqual([
      ...['id', 'status', 'created_at', 'run_at', 'attempt', 'started_at', 'finished_at', 'error'],
      ...['progress', 'progress_note', 'repository', 'ref', 'artifact_size'],
    ])
  })

  it('tells its own columns from the lifecycle columns', () => {
    const own = Object.values(builds.columns).filter(({ isLifecycle }) => !isLifecycle)
    expect(own.map(({ key }) => key)).toEqual(['repository', 'ref', 'artifactSize'])
  })

  it('turns a key in camel case into a column in snake case', () => {
    expect(builds.columns.artifactSize).toMatchObject({ key: 'artifactSize', name: 'artifact_size', type: 'integer' })
  })

  it('keeps the description of each column', () => {
    expect(builds.columns.repository).toMatchObject({ isNotNull: true, hasDefault: false, summary: 'URL or path' })
    expect(builds.columns.ref).toMatchObject({ isNotNull: true, hasDefault: true, defaultValue: 'HEAD' })
    expect(builds.columns.artifactSize).toMatchObject({ isNotNull: false, hasDefault: false, summary: undefined })
  })

  it('keeps the values of an enumeration and the target of a reference', () => {
    const deployments = taskTable('deployments', (column) => ({
      environment: column.enumeration(['staging', 'production']),
      buildId: column.reference(() => builds),
    }))
    expect(deployments.columns.environment!.values).toEqual(['staging', 'production'])
    expect(deployments.columns.buildId!.target!()).toBe(builds)
  })

  it('requires result columns to allow null or have a default', () => {
    expect(builds.columns.artifactSize!.isResult).toBe(false)
    const sums = taskTable('sums', (column) => ({ total: column.integer().result() }))
    expect(sums.columns.total).toMatchObject({ isResult: true })
    const make = () => taskTable('sums', (column) => ({ total: column.integer().result().notNull() }))
    expect(make).toThrow('the result column "total" must allow null or have a default')
  })

  it('can reference a table that is declared later', () => {
    const imports = taskTable('imports', (column) => ({ exportId: column.reference((): TaskTable => exports) }))
    const exports = taskTable('exports', (column) => ({ importId: column.reference((): TaskTable => imports) }))
    expect(imports.columns.exportId!.target!()).toBe(exports)
    expect(exports.columns.importId!.target!()).toBe(imports)
  })

  it.each(['status', 'runAt', 'run_at', 'progressNote'])('refuses %j, which is a lifecycle column', (key) => {
    const make = () => taskTable('builds', (column) => ({ [key]: column.text() }))
    expect(make).toThrow(`Invalid task table "builds": "${key}" becomes the column`)
  })

  it('refuses two keys for the same column', () => {
    const make = () => taskTable('builds', (column) => ({ buildId: column.text(), build_id: column.text() }))
    expect(make).toThrow('"build_id" becomes the column "build_id", which already exists')
  })

  it.each(['1st', 'a-b', 'a b', '', 'größe', 'a";drop table builds'])(
    'refuses %j, which is not a valid column name',
    (key) => {
      const make = () => taskTable('builds', (column) => ({ [key]: column.text() }))
      expect(make).toThrow(`"${key}" is not a valid column name`)
    },
  )
})
