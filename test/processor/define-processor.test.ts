import { describe, expect, it } from 'vitest'
import { defineProcessor, isProcessor } from '../../src/processor/define-processor.ts'
import { toQueuedTable } from '../../src/processor/ready-processor.ts'
import { taskTable } from '../../src/task-table/described-table.ts'

const deployments = taskTable('deployments', (column) => ({ targetHost: column.text() }))
const perform = async () => {}
const deploy = { name: 'deploy', table: deployments, perform }

describe('a processor', () => {
  it('is recognized by its mark', () => {
    expect(isProcessor(defineProcessor(deploy))).toBe(true)
    for (const other of [deploy, null, undefined, 'deploy', () => {}]) expect(isProcessor(other)).toBe(false)
  })

  it('has a default priority after the bundled ones', () => {
    expect(defineProcessor(deploy).priority).toBe(100)
    expect(defineProcessor({ ...deploy, priority: 5 }).priority).toBe(5)
  })

  it.each<[object, string]>([
    [{ name: 'Deploy' }, 'its name must be lower case letters, digits and dashes, starting with a letter'],
    [{ name: '' }, 'its name must be lower case letters, digits and dashes, starting with a letter'],
    [{ name: undefined }, 'its name must be lower case letters, digits and dashes, starting with a letter'],
    [{ table: { name: 'deployments' } }, '"table" must be made by taskTable or existingTable'],
    [{ table: undefined }, '"table" must be made by taskTable or existingTable'],
    [{ priority: 1.5 }, '"priority" must be a whole number, not 1.5'],
    [{ perform: undefined }, '"perform" must be a function'],
    [{ exclusive: true, exclusiveBy: 'targetHost' }, '"exclusive" and "exclusiveBy" cannot both be set'],
    [{ exclusiveBy: 'host' }, '"exclusiveBy" names "host", which is not a column of "deployments"'],
    [
      { exclusiveBy: { key: 'a', column: 'host' } },
      '"exclusiveBy" names "host", which is not a column of "deployments"',
    ],
    ...[{ column: 'targetHost' }, { key: 'a', colum: 'targetHost' }, 7, ''].map((exclusiveBy): [object, string] => [
      { exclusiveBy },
      `"exclusiveBy" must be a column, or { key: 'environment', column: 'target' }, not ${JSON.stringify(exclusiveBy)}`,
    ]),
    [
      { exclusiveBy: { key: 'a:b', column: 'targetHost' } },
      'the key of "exclusiveBy" must be letters, digits, "_", "." and "-", starting with a letter, not "a:b"',
    ],
    [
      { exclusiveBy: { key: 'processor', column: 'targetHost' } },
      '"exclusiveBy" cannot use the key "processor", which is reserved for "exclusive"',
    ],
  ])('with %j is refused', (wrong, problem) => {
    const make = () => defineProcessor({ ...deploy, ...wrong } as never)
    expect(make).toThrow(`: ${problem}.`)
  })

  it('with an invalid timeout is refused', () => {
    expect(() => defineProcessor({ ...deploy, timeout: '30' })).toThrow('timeout: expected a duration')
  })
})

describe('what the queue knows about a processor', () => {
  it('is its table, its priority and its limits', () => {
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

  it('is one key if it is exclusive', () => {
    const processor = defineProcessor({ ...deploy, exclusive: true })
    expect(toQueuedTable(processor, {}).exclusivity).toEqual({ kind: 'table', key: 'processor:deploy' })
  })

  it('is a key for each value of a column, named by the processor or by the column in the database', () => {
    const exclusivity = (exclusiveBy: 'targetHost' | { key: string; column: 'targetHost' }) =>
      toQueuedTable(defineProcessor({ ...deploy, exclusiveBy }), {}).exclusivity
    const column = 'target_host'
    expect(exclusivity('targetHost')).toEqual({ kind: 'column', name: column, column })
    expect(exclusivity({ key: 'host', column: 'targetHost' })).toEqual({ kind: 'column', name: 'host', column })
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
