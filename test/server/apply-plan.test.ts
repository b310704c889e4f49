import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { applyPlan } from '../../src/server/apply-plan.ts'
import { planInstall } from '../../src/server/install-plan.ts'
import { newManifest } from '../../src/server/install-systemd.ts'
import { renderUnits } from '../../src/server/render-units.ts'
import { Systemctl } from '../../src/systemd/systemctl.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { serverSetup } from '../systemd/setup.ts'

it('a file that somebody else has written since the plan is not overwritten', async () => {
  const folder = temporaryFolder()
  const setup = serverSetup({ api: { command: 'node api.js' } }, { places: placesIn(folder) })
  const units = renderUnits(setup)
  const plan = planInstall({ setup, units, manifest: undefined, facts: { files: new Map(), units: new Map() } })
  const after = newManifest({ setup, units, plan, preparations: [], manifest: undefined, isDatabaseGiven: false }, {})
  const manifestPath = join(folder, 'manifest.json')
  const foreign = join(folder, 'shop-api.service')
  writeFileSync(foreign, '[Service]\nExecStart=/bin/true\n')
  const server = {
    systemctl: new Systemctl('user'),
    manifestPath,
    onEvent() {},
    permissionsOf: async () => ({ mode: 0o600 }),
  }
  const applying = applyPlan({ plan, preparations: [], before: undefined, after }, server)
  await expect(applying).rejects.toMatchObject({ code: 'FOREIGN_FILE' })
  expect(readFileSync(foreign, 'utf8')).toBe('[Service]\nExecStart=/bin/true\n')
  // What was written before it is gone again.
  expect(existsSync(join(folder, 'shop-migrate.service'))).toBe(false)
  expect(existsSync(manifestPath)).toBe(false)
})

function placesIn(folder: string) {
  return { units: folder, settings: folder, state: join(folder, 'state'), cache: join(folder, 'cache') }
}
