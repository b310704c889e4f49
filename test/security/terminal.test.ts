import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventLines, onWholeLines } from '../../src/development/output-lines.ts'
import { oneLine, terminalJson, terminalText } from '../../src/format.ts'
import { formatChange } from '../../src/output/format-change.ts'
import { formatProblem } from '../../src/output/print-problem.ts'
import { ServiceLines } from '../../src/output/service-lines.ts'
import { Table } from '../../src/output/table.ts'
import { TaskPrinter } from '../../src/output/task-printer.ts'
import { WorkerLog } from '../../src/worker/worker-log.ts'
import { probePlugin, TestProject } from '../support/test-project.ts'

/** What a terminal does more with than to show it, but for tabs, newlines and colours. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are searched for
const HARMFUL = /[\0-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\x1b(?!\[[\d;]*m)/

const pieces = [
  '\x1b[2J',
  '\x1b]0;title\x07',
  '\x9b2J',
  '\x1bc',
  '\x1b[8m',
  '\r',
  '\n',
  '\u202e',
  '\u2066',
  '\x85',
  '\u2028',
]
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(...pieces, 'Error: forged', '── build 1 succeeded', 'ops | '),
      fc.string({ unit: 'binary' }),
    ),
  )
  .map((parts) => parts.join(''))

const screen = { width: undefined, isColoured: true }

function isHarmless(text: string): boolean {
  return !HARMFUL.test(text)
}

function holds(property: (text: string) => boolean): void {
  fc.assert(fc.property(hostile, property), { numRuns: 300 })
}

describe('text of unknown origin', () => {
  it('is harmless as a text, a line, a cell and JSON', () => {
    holds((text) => isHarmless(terminalText(text)))
    holds((text) => isHarmless(oneLine(text)) && !oneLine(text).includes('\n'))
    holds((text) => isHarmless(terminalJson(JSON.stringify({ text }))))
    holds((text) => JSON.parse(terminalJson(JSON.stringify(text))) === text)
    holds((text) => {
      const table = new Table([{ title: 'a' }, { title: 'b' }], screen).render([[text, text]])
      return isHarmless(table) && table.split('\n').length === 2
    })
  })

  it('ends its colours with its line', () => {
    expect(terminalText('\x1b[31mred\nplain\x1b[8m hidden')).toBe('\x1b[31mred\x1b[0m\nplain\x1b[8m hidden\x1b[0m')
    expect(terminalText('\x1b[31mred\x1b[0m and\x1b[1mbold\x1b[m')).toBe('\x1b[31mred\x1b[0m and\x1b[1mbold\x1b[m')
  })

  it('is one line of a worker', async () => {
    for (const asJson of [false, true]) {
      const written: string[] = []
      const log = new WorkerLog((text) => written.push(text), asJson)
      const texts = fc.sample(hostile, 100)
      for (const message of texts) log.problem({ code: 'X', severity: 'error', message, suggestions: [] })
      log.stopped()
      expect(written.join('').match(/\n/g)).toHaveLength(texts.length + 1)
      expect(written.every(isHarmless)).toBe(true)
    }
  })

  it('is one line of a service, behind its prefix, also where a worker has logged it as JSON', () => {
    holds((text) => {
      const lines = new ServiceLines(screen, { isTimed: false })
      const shown = lines.render([{ service: 'api', at: '2026-01-01', text: text.replaceAll('\n', '') }])
      return isHarmless(shown) && shown.split('\n').length === 2
    })
    holds((message) => {
      const shown = new EventLines({ isColoured: false }).read(JSON.stringify({ event: 'x', message }))
      return isHarmless(shown) && !shown.includes('\n')
    })
  })

  it('of a service reaches the session harmless', async () => {
    const texts = fc.sample(hostile, 100)
    const stream = new PassThrough()
    let shown = ''
    onWholeLines(stream, (text) => {
      shown += text
    })
    for (const text of texts) stream.write(text)
    stream.end()
    await new Promise((resolve) => stream.once('close', resolve))
    expect(isHarmless(shown)).toBe(true)
  })

  it('is one line of a change of a service', () => {
    holds((text) => {
      const line = formatChange({ state: 'failed', error: new Error(text) } as never)
      return isHarmless(line) && !line.includes('\n')
    })
  })

  it('cannot look like a line of ops about a task', () => {
    holds((text) => {
      const out = new PassThrough({ encoding: 'utf8' })
      const task = new TaskPrinter('build 1', out)
      task.output(text)
      task.output(text)
      task.hint('the only line of ops')
      const lines = String(out.read()).split('\n')
      return lines.every(isHarmless) && lines.filter((line) => line.startsWith('──')).length === 1
    })
  })

  it('cannot look like another problem', () => {
    holds((message) => {
      const lines = terminalText(
        formatProblem({ code: 'X', severity: 'error', message, suggestions: [message] }, screen),
      )
        .split('\n')
        .slice(1, -1)
      return lines.every((line) => line.startsWith('  ') || line.trim() === '')
    })
  })

  it('in every column that people and programs write changes no terminal and forges no line', async () => {
    const text = `x\x1b[2J\x9b1m\r\nError: forged\u202e\n── script 1 succeeded\x07`
    const project = TestProject.withConfig({ plugins: { exec: {} } })
    project.linkHere({ name: 'ops-plugin-probe', root: probePlugin })
    await project.ops('migrate')
    const { database } = project
    database.prepare('insert into outcomes (how, answer) values (?, ?)').run('throws', text)
    database
      .prepare('insert into commands (command, cwd, arguments) values (?, ?, ?)')
      .run(text, text, JSON.stringify([text]))
    database.prepare('insert into flakies (script, environment) values (?, ?)').run('exit 1', text)
    await project.ops('hold', `environment:${text}`, '--reason', text)
    const { stdout } = await project.ops('tasks', '--json')
    const ids = (JSON.parse(stdout).tasks as { task: string }[]).map(({ task }) => task.split(' '))
    const commands = [
      ...ids.map((name) => ['tasks', 'why', ...name]),
      ['worker', '--drain'],
      ...ids.flatMap((name) => [
        ['tasks', 'show', ...name],
        ['tasks', 'retry', ...name],
        ['tasks', 'cancel', ...name],
      ]),
      ['tasks', 'show', text, text],
      ['tasks'],
      ['audit'],
      ['holds'],
      ['doctor'],
      ['unhold', `environment:${text}`],
    ]
    for (const command of commands)
      for (const flags of [[], ['--json']]) {
        const { stdout, stderr } = await project.ops(...command, ...flags)
        expect({ command, stdout: isHarmless(stdout), stderr: isHarmless(stderr) }).toEqual({
          ...{ command, stdout: true, stderr: true },
        })
        expect(`${stdout}\n${stderr}`).not.toMatch(/^(Error: forged|── script 1 succeeded)/m)
      }
  })
})
