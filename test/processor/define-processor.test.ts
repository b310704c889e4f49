import { describe, expect, it } from 'vitest'
import { defineProcessor, isProcessor } from '../../src/processor/define-processor.ts'
import { toQueuedTable } from '../../src/processor/to-queued-table.ts'
import { taskTable } from '../../src/task-table/task-table.ts'

const deployments = taskTable('deployments', (column) => ({ targetHost: column.text() }))
const perform = async () => {}
const deploy = { name: 'deploy', table: deployments, perform }

describe('a processor', () => {
  it('is known by its mark', () => {
    expect(isProcessor(defineProcessor(deploy))).toBe(true)
    for (const other of [deploy, null, undefined, 'deploy', () => {}]) expect(isProcessor(other)).toBe(false)
  })

  it('comes after the bundled ones unless it says otherwise', () => {
    expect(defineProcessor(deploy).priority).toBe(100)
    expect(defineProcessor({ ...deploy, priority: 5 }).priority).toBe(5)
  })

  it.each([
    [{ name: 'Deploy' }, 'a name is lower case letters, digits and dashes, and begins with a letter'],
    [{ name: '' }, 'a name is lower case letters, digits and dashes, and begins with a letter'],
    [{ name: undefined }, 'a name is lower case letters, digits and dashes, and begins with a letter'],
    [{ table: { name: 'deployments' } }, '"table" must be made by taskTable or existingTable'],
    [{ table: undefined }, '"table" must be made by taskTable or existingTable'],
    [{ priority: 1.5 }, '"priority" must be a whole number, not 1.5'],
    [{ perform: undefined }, '"perform" must be a function'],
    [{ exclusive: true, exclusiveBy: 'targetHost' }, '"exclusive" and "exclusiveBy" exclude each other; keep one'],
    [{ exclusiveBy: 'host' }, '"exclusiveBy" names "host", which is no column of "deployments"'],
  ])('with %j is refused', (wrong, problem) => {
    const make = () => defineProcessor({ ...deploy, ...wrong } as never)
    expect(make).toThrow(`cannot be used: ${problem}.`)
  })

  it('with a timeout that is no duration is refused', () => {
    expect(() => defineProcessor({ ...deploy, timeout: '30' })).toThrow('"timeout" must be a duration')
  })
})

describe('what the queue knows of a processor', () => {
  it('is its table, its place and its limits', () => {
    const processor = defineProcessor({ ...deploy, priority: 20, timeout: '2m' })
    expect(toQueuedTable(processor, {})).toEqual({
      processor: 'deploy',
      table: deployments,
      priority: 20,
      exclusivity: { kind: 'none' },
      after: [],
      unique: [],
      timeout: 120_000,
      retryRules: { retry: undefined, onCrash: 'fail', onInterrupt: 'fail' },
    })
  })

  it('has one key where it is exclusive', () => {
    const processor = defineProcessor({ ...deploy, exclusive: true })
    expect(toQueuedTable(processor, {}).exclusivity).toEqual({ kind: 'table', key: 'processor:deploy' })
  })

  it('has a key for each value of a column, by the name in TypeScript', () => {
    const processor = defineProcessor({ ...deploy, exclusiveBy: 'targetHost' })
    const key = { kind: 'column', name: 'targetHost', column: 'target_host' }
    expect(toQueuedTable(processor, {}).exclusivity).toEqual(key)
  })

  it('may depend on the settings', () => {
    interface Settings {
      parallel: boolean
      limit?: string
    }
    const processor = defineProcessor({
      ...deploy,
      exclusive: ({ parallel }: Settings) => !parallel,
      timeout: ({ limit }: Settings) => limit,
    })
    expect(toQueuedTable(processor, { parallel: true })).toMatchObject({
      exclusivity: { kind: 'none' },
      timeout: undefined,
    })
    expect(toQueuedTable(processor, { parallel: false, limit: '1s' })).toMatchObject({
      exclusivity: { kind: 'table' },
      timeout: 1000,
    })
    expect(() => toQueuedTable(processor, { parallel: true, limit: 'soon' })).toThrow('timeout of deploy')
  })
})
