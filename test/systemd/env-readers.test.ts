import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseAsSystemd } from '../../src/development/env-readers.ts'
import { command, path } from '../../src/systemd/directive.ts'
import { makeFolder, removeFolder } from '../support/temporary-folder.ts'
import { unless } from '../support/unless.ts'
import { inside, Sandbox, sandboxMissing } from './sandbox.ts'

const lines = [
  'A=abc # note',
  'A=abc#def',
  'export A=x',
  'A=1',
  'A = spaced out ',
  '  A=indented',
  'A="a\\nb"',
  "A='a\\nb'",
  'A=C:\\temp\\new',
  'A="C:\\temp"',
  'A="several\nlines"',
  'A=continued\\\nhere',
  'A="continued\\\nhere"',
  'A=`tick`',
  'A="`tick`"',
  'A="\\`tick\\`"',
  'A=$HOME',
  'A="\\$HOME"',
  'A=',
  'A=""',
  'A="quo # ted" # note',
  'A="one""two"',
  "A='it'\\''s'",
  'A="it\\"s"',
  'A=a"b"c',
  'A=a=b',
  'A: colon',
  'X-Y=dash',
  'A.b=dot',
  '1A=digit',
  'NAME',
  "A='unclosed\nB=after",
  'A="unclosed\nB=after',
  '# comment\nA=after',
  '; comment\nA=after',
  '# comment \\\nA=swallowed\nB=kept',
  'A=1\r\nB=2\r\n',
  'A=first\nA=last',
  'A=tab\tinside\t',
  'A=trailing\\ ',
  'A="  kept  "  ',
  '\uFEFFA=mark',
  'A=\\',
  'A=a\\',
  '=nothing',
]

describe('what systemd reads from an env file', unless(sandboxMissing), () => {
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

  it(`is what ops expects, for ${lines.length} files that readers disagree on`, async () => {
    const tell = `require('fs').writeFileSync(process.argv[1], JSON.stringify(process.env))`
    const said = (index: number) => join(folder, `said-${index}`)
    for (const [index, text] of lines.entries()) {
      writeFileSync(join(folder, `${index}.env`), text)
      const program = command([inside.node, '-e', tell, said(index)])
      const unit = `[Service]\nType=oneshot\nEnvironmentFile=${path(join(folder, `${index}.env`))}\nExecStart=${program}\n`
      await sandbox.write(`/etc/systemd/system/read-${index}.service`, unit)
    }
    await sandbox.run('systemctl', 'daemon-reload')
    await sandbox.run('systemctl', 'start', ...lines.map((_, index) => `read-${index}`))
    // Variables that systemd sets for every unit.
    const given =
      /^(PATH|LANG|LC_\w+|INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID|NODE_\w+|container|USER|HOME|LOGNAME|SHELL)$/
    const read = lines.map((_, index) => {
      const env: Record<string, string> = JSON.parse(readFileSync(said(index), 'utf8'))
      return Object.fromEntries(Object.entries(env).filter(([name]) => !given.test(name)))
    })
    expect(lines.map((text, index) => [text, read[index]])).toEqual(lines.map((text) => [text, parseAsSystemd(text)]))
  })
})
