import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'

let root: string
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'ops-config-')))
})
afterEach(() => rmSync(root, { recursive: true }))

function write(path: string, text: string): string {
  const file = join(root, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  return file
}

/** vitest would transform the file itself; what Node makes of it can only be seen in a Node of its own. */
async function loadInNode(file: string): Promise<unknown> {
  const module = new URL('../../src/config/load-config.ts', import.meta.url).href
  const script = `
    import { loadConfig } from ${JSON.stringify(module)}
    const result = await loadConfig({ cwd: ${JSON.stringify(root)}, file: ${JSON.stringify(file)}, env: {} })
      .catch(({ code, message, oclif }) => ({ code, message, oclif }))
    console.log(JSON.stringify(result))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
  return JSON.parse(stdout)
}

const named = (name: string) => `export default { name: '${name}' }`
const load = (options: { cwd?: string; file?: string; env?: NodeJS.ProcessEnv } = {}) =>
  loadConfig({ cwd: root, env: {}, ...options })

describe('finding the configuration', () => {
  it('goes upwards from the working directory', async () => {
    const file = write('ops.config.json', '{ "name": "shop" }')
    mkdirSync(join(root, 'a', 'b'), { recursive: true })
    expect(await load({ cwd: join(root, 'a', 'b') })).toEqual({ config: { name: 'shop' }, file, directory: root })
  })

  it.each(['ts', 'mts', 'js', 'mjs'])('takes ops.config.%s', async (ending) => {
    write(`ops.config.${ending}`, named('shop'))
    expect((await load()).config).toEqual({ name: 'shop' })
  })

  it('prefers --config to OPS_CONFIG, and that to the search', async () => {
    write('ops.config.js', named('found'))
    const asked = write('asked/ops.config.js', named('asked'))
    write('env/other.mjs', named('env'))
    const env = { OPS_CONFIG: 'env/other.mjs' }
    expect((await load({ file: asked, env })).config.name).toBe('asked')
    expect(await load({ env })).toMatchObject({ config: { name: 'env' }, directory: join(root, 'env') })
    expect((await load({ env: { OPS_CONFIG: '' } })).config.name).toBe('found')
  })

  it('puts the project where the file really is', async () => {
    const file = write('releases/1/ops.config.json', '{}')
    symlinkSync(join(root, 'releases', '1'), join(root, 'current'))
    const loaded = await load({ file: join(root, 'current', 'ops.config.json') })
    expect(loaded).toEqual({ config: {}, file, directory: join(root, 'releases', '1') })
  })

  it('leaves the configuration empty where there is no file', async () => {
    expect(await load()).toEqual({ config: {}, file: undefined, directory: root })
  })

  it('names the flag or variable of a file that does not exist, with exit status 78', async () => {
    await expect(load({ file: 'gone.ts' })).rejects.toMatchObject({
      code: 'CONFIGURATION_NOT_FOUND',
      message: 'The configuration "gone.ts" of --config does not exist.',
      oclif: { exit: 78 },
    })
    await expect(load({ env: { OPS_CONFIG: 'gone.ts' } })).rejects.toThrow('"gone.ts" of OPS_CONFIG')
  })
})

describe('reading the configuration', () => {
  it('gives a TypeScript file the defineConfig of ops, with nothing installed', async () => {
    const file = write(
      'ops.config.ts',
      `import { defineConfig } from '@ops-cli/core'
       const port: number = 3000
       export default defineConfig({ services: { api: { command: 'node api.js', port } } })`,
    )
    expect(await loadInNode(file)).toMatchObject({
      config: { services: { api: { command: 'node api.js', port: 3000 } } },
    })
  })

  it('reports every problem under the name of the file', async () => {
    write('ops.config.json', '{ "name": 3, "worker": { "instance": 1 } }')
    await expect(load()).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message:
        'ops.config.json has 2 problems:\n  name: expected a name, got 3\n  worker.instance: unknown key, did you mean "instances"?',
      oclif: { exit: 78 },
      problems: [
        { code: 'INVALID_CONFIGURATION', severity: 'error', where: 'name', message: 'expected a name, got 3' },
        { where: 'worker.instance', message: 'unknown key, did you mean "instances"?', suggestions: [] },
      ],
    })
  })

  it.each([
    ['ops.config.json', '{ "name": }', /ops\.config\.json: expected JSON: Unexpected token/],
    ['ops.config.js', 'export default {\n  name: "shop"\n  port: 3\n}', /: line 3: SyntaxError: Unexpected/],
    ['ops.config.ts', 'export default {\n  name: "shop"\n  port: 3\n}', /: line 3: .*Syntax/],
    ['ops.config.js', 'const a = 1\nthrow new Error("no luck")', /: line 2: Error: no luck/],
    ['ops.config.js', 'import "not-there"', /Cannot find package 'not-there'/],
    ['ops.config.js', 'export const config = {}', /expected a default export/],
    ['other.yaml', 'name: shop', /expected a file that ends in one of \.ts, /],
  ])('says what is wrong with a file that cannot be read (%#: %s)', async (path, text, message) => {
    const file = write(path, text)
    expect(await loadInNode(file)).toEqual({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringMatching(message),
      oclif: { exit: 78 },
    })
  })
})
