import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { terminalMissing } from '../support/terminal.ts'
import { TestProject } from '../support/test-project.ts'
import { unless } from '../support/unless.ts'
import { unwrapped } from '../support/unwrapped.ts'

describe('ops generate processor', () => {
  it.each([
    ['a missing name', [], 'Missing the name'],
    ['an invalid name', ['Send_Mail'], 'Invalid processor name "Send_Mail"'],
    ['two names', ['email', 'other'], 'Unexpected argument "other"'],
    ['an existing processor', ['build', '--table', 'x'], 'The processor "build" already exists'],
    ['an existing table', ['email', '--table', 'builds'], 'belongs to the plugin @ops-cli/plugin-build'],
    ['an SQL keyword as a table', ['email', '--table', 'order'], 'an SQL keyword'],
    ['an SQL keyword as a column', ['email', 'order:text'], 'an SQL keyword'],
    ['a lifecycle column', ['email', '--column', 'error:text'], 'already has a column "error"'],
    ['an unknown type', ['email', '--column', 'x:string'], 'expected a type of'],
    ['an unknown column to be exclusive by', ['email', '--exclusive-by', 'x'], 'no column "x"'],
    ['an invalid priority', ['email', '--priority', 'high'], 'expected a whole number'],
  ])('refuses %s, exits 2 and writes nothing', async (_, args, problem) => {
    const project = TestProject.withConfig()
    const { exitCode, stderr } = await project.ops('generate', 'processor', ...args)
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toContain(problem)
    expect(readdirSync(project.directory)).toEqual(['ops.config.json'])
  })
})

describe('ops generate processor at a terminal', unless(terminalMissing), () => {
  it('reports problems before the first question', async () => {
    const project = TestProject.withConfig()
    project.write('ops-plugin-email/mine', '')
    for (const [args, problem] of [
      [['email'], 'is not empty'],
      [['build'], 'already exists'],
      [['other', 'status:text'], 'already'],
    ] as const) {
      const terminal = project.startAtTerminal(undefined, 'generate', 'processor', ...args)
      expect(await terminal.exit).toBe(2)
      expect(unwrapped(terminal.output)).toContain(problem)
    }
  })

  it('writes nothing if the answer is no, or after Ctrl-C', async () => {
    const project = TestProject.withConfig()
    const asked = ['generate', 'processor', 'email', '--column', 'a:json', '--table', 'mails', '--priority', '7']
    const refused = project.startAtTerminal(undefined, ...asked)
    await refused.answer('Create ops-plugin-email', 'n')
    expect(await refused.exit).toBe(1)
    const broken = project.startAtTerminal(undefined, ...asked)
    await broken.says('Create ops-plugin-email')
    broken.pressCtrlC()
    expect(await broken.exit).toBe(1)
    expect(broken.output).toContain('Nothing was written.')
    expect(readdirSync(project.directory)).toEqual(['ops.config.json'])
  })
})
