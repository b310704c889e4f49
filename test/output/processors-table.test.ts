import { describe, expect, it } from 'vitest'
import { processorsTable } from '../../src/output/processors-table.ts'
import type { ListedProcessor } from '../../src/project/list-processors.ts'

const deploy: ListedProcessor = {
  name: 'deploy',
  plugin: '@ops-cli/plugin-deploy',
  version: '0.1.0',
  source: 'bundled',
  summary: null,
  table: 'deployments',
  priority: 20,
  exclusiveBy: { key: 'environment', column: 'target' },
  exclusive: false,
  state: 'ready',
  problem: null,
}

const listed = { processors: [deploy], problems: [], disabled: [], replaced: [] }

describe('the table of processors', () => {
  it('drops version and source on a narrow screen, so that the rest is not cut', () => {
    expect(processorsTable(listed, { width: 90, isColoured: false }).split('\n')).toEqual([
      'processor  plugin                  table        priority  at once',
      'deploy     @ops-cli/plugin-deploy  deployments        20  one for each environment',
    ])
    expect(processorsTable(listed, { width: undefined, isColoured: false })).toContain('0.1.0    bundled')
    for (const line of processorsTable(listed, { width: 80, isColoured: false }).split('\n'))
      expect(line.length).toBeLessThanOrEqual(80)
  })
})
