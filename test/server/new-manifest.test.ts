import { describe, expect, it } from 'vitest'
import { planInstall } from '../../src/server/install-plan.ts'
import { newManifest } from '../../src/server/install-systemd.ts'
import type { Preparation } from '../../src/server/preparations.ts'
import { renderUnits } from '../../src/server/render-units.ts'
import type { Manifest } from '../../src/systemd/manifest.ts'
import { serverSetup } from '../systemd/setup.ts'

const setup = serverSetup({ api: { command: 'node api.js' } })
const units = renderUnits(setup)
const plan = planInstall({ setup, units, manifest: undefined, facts: { files: new Map(), units: new Map() } })

function manifestAfter(preparations: readonly Preparation[], manifest?: Manifest): Manifest {
  return newManifest({ setup, units, plan, preparations, manifest, isDatabaseGiven: false }, { USER: 'ann' })
}

describe('the manifest of an installation', () => {
  it('has every file and unit, and the URL of a database that is a file', () => {
    const manifest = manifestAfter([])
    expect(manifest.files.map(({ path }) => path)).toEqual(plan.files.map(({ path }) => path))
    expect(manifest.units).toEqual(plan.units.map(({ unit }) => unit))
    expect(manifest.database).toBe('sqlite:/var/lib/shop/ops.db')
    expect(manifest).toMatchObject({ createdUser: undefined, lingering: undefined, copiedNode: undefined })
  })

  it('has what the preparations created, and keeps it in later installations', () => {
    const first = manifestAfter([
      { kind: 'create-user', user: 'shop', home: '/var/lib/shop' },
      { kind: 'enable-lingering', user: 'ann' },
    ])
    expect(first).toMatchObject({ createdUser: 'shop', lingering: 'ann' })
    expect(manifestAfter([], first)).toMatchObject({ createdUser: 'shop', lingering: 'ann' })
  })

  it('does not depend on words: the values of steps are no sentences', () => {
    const preparations: Preparation[] = [
      { kind: 'create-user', user: 'shop', home: '/var/lib/shop' },
      { kind: 'copy-node', from: '/home/ann/node', to: '/usr/local/lib/ops/shop/node' },
    ]
    expect(JSON.stringify([...preparations, ...plan.units])).not.toMatch(/"[^"]* [^"]*"/)
  })
})
