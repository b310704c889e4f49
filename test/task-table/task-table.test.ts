import { describe, expect, it } from 'vitest'
import { type TaskTable, taskTable } from '../../src/task-table/task-table.ts'

const builds = taskTable('builds', (column) => ({
  repository: column.text().notNull().describe('where it is'),
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

  it('knows which columns are its own', () => {
    const own = Object.values(builds.columns).filter(({ isLifecycle }) => !isLifecycle)
    expect(own.map(({ key }) => key)).toEqual(['repository', 'ref', 'artifactSize'])
  })

  it('makes a column in snake case of a key in camel case', () => {
    expect(builds.columns.artifactSize).toMatchObject({ key: 'artifactSize', name: 'artifact_size', type: 'integer' })
  })

  it('keeps what is said of a column', () => {
    expect(builds.columns.repository).toMatchObject({ isNotNull: true, hasDefault: false, summary: 'where it is' })
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

  it('has results that may be null or have a default, since nobody gives them', () => {
    expect(builds.columns.artifactSize!.isResult).toBe(false)
    const sums = taskTable('sums', (column) => ({ total: column.integer().result() }))
    expect(sums.columns.total).toMatchObject({ isResult: true })
    const make = () => taskTable('sums', (column) => ({ total: column.integer().result().notNull() }))
    expect(make).toThrow('"total" is a result, so it must have a default or may be null')
  })

  it('may reference itself and a table that is declared later', () => {
    const imports = taskTable('imports', (column) => ({ exportId: column.reference((): TaskTable => exports) }))
    const exports = taskTable('exports', (column) => ({ importId: column.reference((): TaskTable => imports) }))
    expect(imports.columns.exportId!.target!()).toBe(exports)
    expect(exports.columns.importId!.target!()).toBe(imports)
  })

  it.each(['status', 'runAt', 'run_at', 'progressNote'])('refuses %j, which ops sets', (key) => {
    const make = () => taskTable('builds', (column) => ({ [key]: column.text() }))
    expect(make).toThrow(`The task table "builds" cannot be used: "${key}" stands for the column`)
  })

  it('refuses two keys that are the same column', () => {
    const make = () => taskTable('builds', (column) => ({ buildId: column.text(), build_id: column.text() }))
    expect(make).toThrow('"build_id" stands for the column "build_id", which is taken')
  })

  it.each(['1st', 'a-b', 'a b', '', 'größe', 'a";drop table builds'])('refuses %j, which cannot be a column', (key) => {
    const make = () => taskTable('builds', (column) => ({ [key]: column.text() }))
    expect(make).toThrow(`"${key}" cannot be the name of a column`)
  })
})
