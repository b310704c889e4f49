import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launch, type Program } from '../support/start-program.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const module = './dist/email.js'

/** A plugin's folder somewhere on the disk, without node_modules. */
function pluginFolder(files: Readonly<Record<string, string>>, ...below: string[]): string {
  const root = join(temporaryFolder(), ...below)
  const all = { 'package.json': '{ "name": "ops-plugin-email", "type": "module" }', ...files }
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  return root
}

/** A process that loads plugins as ops does: the modules of a test are not those of Node. */
let host: Program

beforeAll(() => {
  host = launch(join(import.meta.dirname, 'programs', 'load.ts'))
})
afterAll(async () => {
  host.kill('SIGKILL')
  await host.exit
})

async function load(root: string): Promise<Record<string, unknown>> {
  host.say(JSON.stringify({ root, module, name: 'email' }))
  return JSON.parse(await host.line())
}

const processor = (madeFrom: string, name = 'email') => `
  import * as core from '@ops-cli/core'
  import { sqliteTable, integer } from 'drizzle-orm/sqlite-core'
  const { defineProcessor, taskTable } = core
  export const emails = taskTable('emails', (column) => ({ recipient: column.text().notNull() }))
  export default {
    ...defineProcessor({ name: '${name}', table: emails, perform() {} }),
    madeFrom: '${madeFrom}',
    drizzleTable: sqliteTable('others', { id: integer('id') }),
    core,
  }`

const inTypeScript = (text: string) => `${text} as object satisfies object`

describe('a plugin', () => {
  it('gets the host’s copies of ops and Drizzle, without node_modules', async () => {
    expect(await load(pluginFolder({ 'dist/email.js': processor('JavaScript') }))).toEqual({
      name: 'email',
      table: 'emails',
      madeFrom: 'JavaScript',
      isOurDrizzle: true,
      isOurCore: true,
    })
  })

  it('gets them even if it has its own', async () => {
    const root = pluginFolder({
      'dist/email.js': processor('JavaScript'),
      'node_modules/@ops-cli/core/package.json':
        '{ "name": "@ops-cli/core", "type": "module", "exports": "./index.js" }',
      'node_modules/@ops-cli/core/index.js': 'throw new Error("the wrong copy of ops")',
      'node_modules/drizzle-orm/package.json':
        '{ "name": "drizzle-orm", "type": "module", "exports": { "./*": "./index.js" } }',
      'node_modules/drizzle-orm/index.js': 'throw new Error("the wrong copy of Drizzle")',
    })
    expect(await load(root)).toMatchObject({ isOurDrizzle: true, isOurCore: true })
  })

  it('keeps its other dependencies', async () => {
    const root = pluginFolder({
      'dist/email.js': `import from_ from 'smtp'\n${processor('$').replace("'$'", 'from_')}`,
      'node_modules/smtp/package.json': '{ "name": "smtp", "type": "module", "exports": "./index.js" }',
      'node_modules/smtp/index.js': 'export default "a dependency"',
    })
    expect(await load(root)).toMatchObject({ madeFrom: 'a dependency' })
  })

  it('runs from its TypeScript sources in a checkout', async () => {
    const root = pluginFolder({
      'src/email.ts': inTypeScript(processor('TypeScript')),
      'dist/email.js': processor('JavaScript'),
    })
    expect(await load(root)).toMatchObject({ madeFrom: 'TypeScript', isOurDrizzle: true, isOurCore: true })
  })

  it('runs from its sources even if nothing is built', async () => {
    expect(await load(pluginFolder({ 'src/email.ts': inTypeScript(processor('TypeScript')) }))).toMatchObject({
      madeFrom: 'TypeScript',
    })
  })

  it('runs from its JavaScript below node_modules', async () => {
    const files = { 'src/email.ts': inTypeScript(processor('TypeScript')), 'dist/email.js': processor('JavaScript') }
    const root = pluginFolder(files, 'node_modules', 'ops-plugin-email')
    expect(await load(root)).toMatchObject({ madeFrom: 'JavaScript', isOurDrizzle: true, isOurCore: true })
  })

  it('that is linked into node_modules runs from its sources', async () => {
    const root = pluginFolder({ 'src/email.ts': inTypeScript(processor('TypeScript')) })
    const link = join(temporaryFolder(), 'node_modules', 'ops-plugin-email')
    mkdirSync(dirname(link))
    symlinkSync(root, link)
    expect(await load(link)).toMatchObject({ madeFrom: 'TypeScript' })
  })
})

describe('a plugin that cannot be loaded', () => {
  const says = (problem: string) => `The processor "email" of ops-plugin-email@1.2.3 cannot be loaded: ${problem}.`

  it('has no such file', async () => {
    const root = pluginFolder({})
    expect(await load(root)).toEqual({
      code: 'BROKEN_PROCESSOR',
      message: says(`${join(root, module)} does not exist`),
      suggestions: [
        'build the plugin, or fix "ops.processors" in its package.json',
        'remove the plugin: ops plugins uninstall ops-plugin-email',
      ],
    })
  })

  it('is missing on disk', async () => {
    const root = join(temporaryFolder(), 'gone')
    expect(await load(root)).toMatchObject({
      code: 'BROKEN_PROCESSOR',
      message: says(`${join(root, module)} does not exist`),
    })
  })

  it('throws on import, and its error is kept as the cause', async () => {
    const root = pluginFolder({ 'dist/email.js': 'throw new Error("no SMTP_HOST")' })
    expect(await load(root)).toEqual({
      code: 'BROKEN_PROCESSOR',
      message: says(`${join(root, module)}:1 fails to import: no SMTP_HOST`),
      suggestions: ['fix the plugin', 'remove the plugin: ops plugins uninstall ops-plugin-email'],
      cause: 'no SMTP_HOST',
    })
  })

  it.each([
    ['a text', 'throw "no SMTP_HOST"'],
    ['nothing', 'throw undefined'],
  ])('throws %s', async (_, text) => {
    expect(await load(pluginFolder({ 'dist/email.js': text }))).toMatchObject({ code: 'BROKEN_PROCESSOR' })
  })

  it.each([
    ['imports what is not there', `import 'smtp'`, `Cannot find package 'smtp'`],
    ['has a syntax error', 'export default {', 'Unexpected'],
    [
      'has a declaration that contradicts itself',
      processor('').replace("name: 'email'", "name: 'E Mail'"),
      'its name must be lower case',
    ],
  ])('%s', async (_, text, problem) => {
    const result = await load(pluginFolder({ 'dist/email.js': text }))
    expect(result).toMatchObject({ code: 'BROKEN_PROCESSOR', message: expect.stringContaining(problem) })
  })

  it.each([
    ['nothing', 'export const email = 1'],
    ['something else', 'export default { name: "email", perform() {} }'],
    ['a function', 'export default () => {}'],
  ])('exports %s', async (_, text) => {
    const root = pluginFolder({ 'dist/email.js': text })
    expect(await load(root)).toEqual({
      code: 'BROKEN_PROCESSOR',
      message: says(`${join(root, module)} must export a processor`),
      suggestions: [
        'add: export default defineProcessor({ … })',
        'remove the plugin: ops plugins uninstall ops-plugin-email',
      ],
    })
  })

  it('exports a processor of another name', async () => {
    const root = pluginFolder({ 'dist/email.js': processor('JavaScript', 'mail') })
    expect(await load(root)).toEqual({
      code: 'BROKEN_PROCESSOR',
      message: says(`${join(root, module)} defines a processor named "mail"`),
      suggestions: [
        'rename it to "email", or use "mail" in package.json',
        'remove the plugin: ops plugins uninstall ops-plugin-email',
      ],
    })
  })
})
