import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { assignment, command, list, path } from '../../src/systemd/directive.ts'
import { formatEnvironmentFile } from '../../src/systemd/environment-file.ts'
import { makeFolder, removeFolder } from '../support/temporary-folder.ts'
import { unless } from '../support/unless.ts'
import { inside, Sandbox, sandboxMissing } from './sandbox.ts'

const specials = [
  ' ',
  '\t',
  '\n',
  '\r',
  '"',
  "'",
  '`',
  '\\',
  '$',
  '%',
  '#',
  ';',
  '=',
  '!',
  '*',
  '~',
  '{',
  '}',
  '|',
  '&',
  '\u0007',
  '\u001b',
  '\u007f',
  'é',
  '→',
  '𝄞',
  'a',
  '1',
]

/** Every special character alone, doubled, at each end and between its neighbours; and what looks like an escape. */
const nasty = [
  ...new Set([
    '',
    ...specials.flatMap((one) => [one, one + one, `${one}x`, `x${one}`, `x${one}y`]),
    ...specials.flatMap((one, index) =>
      [1, 2, 3, 4, 5, 7, 9, 11, 13].map((step) => `a${one}${specials[(index + step) % specials.length]}${one}b`),
    ),
    ...['%i', '%h', '%n-%H', '$HOME', `$${'{HOME}'}`, '\\n', '\\x41', '\\u0041', '\\101', '\\\\"', '"\\', '--', '#!'],
    ...['; ls', '&& ls', '`id`', '$(id)', 'a b  c', ' both ', '"quoted"', "'quoted'", '"half', "half'", 'a=b=c'],
    ...['C:\\temp\\new', 'export A=1', 'line one\nline two\n', 'a\\\nb', 'x'.repeat(4000), '"'.repeat(50)],
    ...['\\'.repeat(51), '%'.repeat(49), '$'.repeat(48)],
  ]),
]

describe('values that systemd reads from a unit', unless(sandboxMissing), () => {
  let sandbox: Sandbox
  let folder: string
  beforeAll(async () => {
    sandbox = await Sandbox.boot()
    folder = makeFolder()
  })
  afterAll(async () => {
    await sandbox?.close()
    if (folder) removeFolder(folder)
  })

  /** Runs a unit to its end, and gives what its program has written. */
  async function run(name: string, lines: readonly string[]): Promise<string> {
    await sandbox.write(`/etc/systemd/system/${name}.service`, `[Service]\nType=oneshot\n${lines.join('\n')}\n`)
    await sandbox.run('systemctl', 'daemon-reload')
    const { stderr } = await sandbox.run('systemctl', 'start', name)
    expect(stderr).toBe('')
    return readFileSync(join(folder, 'said'), 'utf8')
  }

  const tell = (what: string) => [
    inside.node,
    '-e',
    `require('fs').writeFileSync(${JSON.stringify('SAID')}, JSON.stringify(${what}))`,
  ]
  const telling = (what: string, ...more: string[]) =>
    command([...tell(what).map((word) => word.replace('SAID', join(folder, 'said'))), ...more])

  it(`are those that were written: ${nasty.length} arguments of ExecStart`, async () => {
    expect(nasty.length).toBeGreaterThanOrEqual(400)
    const said = await run('arguments', [`ExecStart=${telling('process.argv.slice(1)', '--', ...nasty)}`])
    expect(JSON.parse(said)).toEqual(nasty)
  })

  it(`are those that were written: ${nasty.length} times Environment`, async () => {
    const said = await run('assignments', [
      ...nasty.map((value, index) => `Environment=${assignment(`V${index}`, value)}`),
      `ExecStart=${telling('process.env')}`,
    ])
    const read = JSON.parse(said)
    expect(nasty.map((_, index) => read[`V${index}`])).toEqual(nasty)
  })

  it(`are those that were written: ${nasty.length} variables of an EnvironmentFile`, async () => {
    const file = join(folder, 'it is 100% "mine"')
    const variables = Object.fromEntries(nasty.map((value, index) => [`V${index}`, value]))
    writeFileSync(file, formatEnvironmentFile(variables, ['A comment.', 'And = "another']))
    const said = await run('file', [`EnvironmentFile=${path(file)}`, `ExecStart=${telling('process.env')}`])
    const read = JSON.parse(said)
    expect(nasty.map((_, index) => read[`V${index}`])).toEqual(nasty)
  })

  it.each(['with space', '100%', 'a%ib', '"quoted"', "it's", 'back\\slash', '$HOME', 'é→', ';#', '-', 'a:b'])(
    'are paths to work in and to write to: %s',
    async (name) => {
      const place = join(folder, 'places', name)
      mkdirSync(place, { recursive: true })
      chmodSync(place, 0o777)
      const said = await run('place', [
        `WorkingDirectory=${path(place)}`,
        'ProtectSystem=strict',
        `ReadWritePaths=${list([place, folder])}`,
        `ExecStart=${telling('(require("fs").writeFileSync("here", "1"), process.cwd())')}`,
      ])
      expect(JSON.parse(said)).toBe(place)
    },
  )
})
