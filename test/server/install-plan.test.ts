import { describe, expect, it } from 'vitest'
import { type InstallPlan, isDone, planInstall, type ServerFacts } from '../../src/server/install-plan.ts'
import { renderUnits, type Unit } from '../../src/server/render-units.ts'
import type { Manifest } from '../../src/systemd/manifest.ts'
import type { UnitState } from '../../src/systemd/systemctl.ts'
import { serverSetup } from '../systemd/setup.ts'

const setup = serverSetup({ api: { command: 'node api.js', env: { TOKEN: 'one' } } })
const units = renderUnits(setup)
const nothing: ServerFacts = { files: new Map(), units: new Map() }

function filesOf(rendered: readonly Unit[]): [string, string][] {
  return rendered.flatMap(({ file, text, environmentFile }): [string, string][] => [
    [`/etc/systemd/system/${file}`, text],
    ...(environmentFile ? [[environmentFile.path, environmentFile.text] as [string, string]] : []),
  ])
}

function running(name: string, hash: string | undefined, change: Partial<UnitState> = {}): UnitState {
  return {
    name,
    active: 'active',
    fragment: `/etc/systemd/system/${name.replace(/@.*\./, '@.')}`,
    needsReload: false,
    dropIns: [],
    fileState: 'enabled',
    runningHash: hash,
    startedAt: 'Tue 2026-11-24 19:00:00 UTC',
    status: '',
    restarts: 0,
    result: 'success',
    ...change,
  }
}

/** A server on which all of it is installed and runs. */
function installed(rendered: readonly Unit[], change: Record<string, Partial<UnitState>> = {}) {
  const each = rendered.flatMap(({ instances, hash }) => instances.map((unit) => [unit, hash] as const))
  const facts: ServerFacts = {
    files: new Map(filesOf(rendered)),
    units: new Map(each.map(([unit, hash]) => [unit, running(unit, hash, change[unit])])),
  }
  const manifest: Manifest = {
    format: 1,
    project: 'shop',
    directory: '/srv/shop',
    version: '0.1.0',
    files: filesOf(rendered).map(([path]) => ({ path, kind: path.endsWith('.env') ? 'environment' : 'unit' })),
    units: each.map(([unit]) => unit),
    hashes: Object.fromEntries(each.map(([unit, hash]) => [unit, hash ?? ''])),
    state: '/var/lib/shop',
  }
  return { facts, manifest }
}

const changed = ({ units: steps }: InstallPlan) =>
  steps.filter(({ change }) => change !== 'none').map(({ unit, change }) => `${change} ${unit}`)
const codes = ({ drift }: InstallPlan) => drift.map(({ code, where }) => `${code} ${where}`)
const written = ({ files }: InstallPlan) =>
  files.filter(({ change }) => change !== 'none').map(({ path, change }) => `${change} ${path}`)

describe('the plan of an installation', () => {
  it('creates and starts everything on a new server, the target last', () => {
    const plan = planInstall({ setup, units, manifest: undefined, facts: nothing })
    expect(plan.files.every(({ change }) => change === 'create')).toBe(true)
    expect(changed(plan)).toEqual([
      'start shop-migrate.service',
      'start shop-api.service',
      'start shop-worker@1.service',
      'start shop.target',
    ])
    expect(plan.isEnabled).toBe(false)
    expect(codes(plan)).toEqual(['NOT_INSTALLED shop'])
  })

  it('is empty when the server is up to date', () => {
    const plan = planInstall({ setup, units, ...installed(units) })
    expect([isDone(plan), plan.drift, written(plan), changed(plan)]).toEqual([true, [], [], []])
  })

  it('restarts only what has changed, after the migration', () => {
    const other = renderUnits(serverSetup({ api: { command: 'node api.js', env: { TOKEN: 'two' } } }))
    const plan = planInstall({ setup, units: other, ...installed(units) })
    expect(changed(plan)).toEqual(['reload shop-migrate.service', 'restart shop-api.service'])
    expect(written(plan)).toEqual(['change /etc/systemd/system/shop-api.service', 'change /etc/ops/shop/api.env'])
  })

  it('shows what differs, but no values of variables', () => {
    const other = renderUnits(
      serverSetup({ api: { command: 'node api.js', env: { TOKEN: 'two', PORT: '1' }, stopTimeout: '3s' } }),
    )
    const { files } = planInstall({ setup, units: other, ...installed(units) })
    const diffOf = (path: string) => files.find((file) => file.path === path)!.diff
    expect(diffOf('/etc/ops/shop/api.env')).toEqual(['~TOKEN', '+PORT'])
    expect(diffOf('/etc/systemd/system/shop-api.service')).toEqual(
      expect.arrayContaining(['-TimeoutStopSec=10s', '+TimeoutStopSec=3s']),
    )
  })

  it('first stops and removes what was removed from the configuration', () => {
    const without = renderUnits(serverSetup())
    const plan = planInstall({ setup, units: without, ...installed(units) })
    expect(changed(plan)).toEqual(['stop shop-api.service'])
    expect(written(plan)).toEqual(
      expect.arrayContaining(['remove /etc/systemd/system/shop-api.service', 'remove /etc/ops/shop/api.env']),
    )
  })

  it('leaves a file alone that someone else has replaced', () => {
    const { facts, manifest } = installed(units)
    const files = new Map([...facts.files, ['/etc/systemd/system/shop-api.service', '[Unit]\n']])
    const plan = planInstall({ setup, units: renderUnits(serverSetup()), manifest, facts: { ...facts, files } })
    expect(written(plan)).not.toContain('remove /etc/systemd/system/shop-api.service')
  })

  it('reports foreign files at its paths, and units that its own would override', () => {
    const files = new Map([
      ['/etc/systemd/system/shop-api.service', '[Unit]\nX-Ops-Project=other\n'],
      ['/lib/systemd/system/shop.target', '[Unit]\n'],
    ])
    const loaded = new Map([
      ['shop.target', running('shop.target', undefined, { fragment: '/lib/systemd/system/shop.target' })],
    ])
    const plan = planInstall({ setup, units, manifest: undefined, facts: { files, units: loaded } })
    expect(plan.foreign).toEqual(['/etc/systemd/system/shop-api.service', '/lib/systemd/system/shop.target'])
  })

  it('starts units that are down, and restarts processes that run with earlier settings', () => {
    const state = installed(units, {
      'shop-api.service': { runningHash: 'earlier' },
      'shop-worker@1.service': { active: 'failed' },
    })
    const plan = planInstall({ setup, units, ...state })
    expect(changed(plan)).toEqual([
      'reload shop-migrate.service',
      'restart shop-api.service',
      'start shop-worker@1.service',
    ])
    expect(plan.drift.map(({ message }) => message)).toEqual([
      'shop-api.service has been running with earlier settings since Tue 2026-11-24 19:00:00 UTC',
      'shop-worker@1.service is failed',
    ])
  })

  it('names every kind of drift', () => {
    const { facts, manifest } = installed(units, {
      'shop-api.service': { needsReload: true, dropIns: ['/etc/systemd/system/shop-api.service.d/x.conf'] },
      'shop.target': { fileState: 'disabled' },
    })
    const files = new Map(facts.files)
    files.set('/etc/systemd/system/shop-api.service', `${files.get('/etc/systemd/system/shop-api.service')}Nice=5\n`)
    files.delete('/etc/ops/shop/api.env')
    const plan = planInstall({ setup, units, manifest, facts: { ...facts, files } })
    expect(codes(plan)).toEqual([
      'FILE_DRIFTED /etc/systemd/system/shop-api.service',
      'FILE_MISSING /etc/ops/shop/api.env',
      'UNIT_NOT_RELOADED shop-api.service',
      'UNIT_OVERRIDDEN shop-api.service',
      'TARGET_DISABLED shop.target',
    ])
    // A drop-in is named, and is no fault.
    const warnings = plan.drift.filter(({ severity }) => severity !== 'error').map(({ code }) => code)
    expect(warnings).toEqual(['UNIT_OVERRIDDEN'])
  })

  it('is complete even when systemd does not answer', () => {
    const plan = planInstall({ setup, units, manifest: undefined, facts: { files: new Map(), units: undefined } })
    expect(plan.files).toHaveLength(7)
    expect(new Set(plan.units.map(({ reason }) => reason?.kind))).toEqual(new Set(['unknown-state', 'target']))
  })
})
