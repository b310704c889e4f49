import { PassThrough } from 'node:stream'
import { finished } from 'node:stream/promises'
import { describe, expect, it } from 'vitest'
import { EventLines, onWholeLines } from '../../src/development/output-lines.ts'

async function passed(...chunks: (string | Buffer)[]): Promise<string[]> {
  const stream = new PassThrough()
  const texts: string[] = []
  onWholeLines(stream, (text) => texts.push(text))
  for (const chunk of chunks) {
    stream.write(chunk)
    await new Promise(setImmediate)
  }
  stream.end()
  await finished(stream)
  await new Promise(setImmediate)
  return texts
}

it('joins what is written in pieces, also within a character', async () => {
  const euro = Buffer.from('€\n')
  expect(await passed('on', 'e\ntw', 'o\n', euro.subarray(0, 1), euro.subarray(1))).toEqual(['one\n', 'two\n', '€\n'])
})

it('ends the last line', async () => {
  expect(await passed('one\ntwo')).toEqual(['one\n', 'two\n'])
})

it('ends a line that never ends, so that it fills no memory', async () => {
  const chunk = 'x'.repeat(64 * 1024)
  const texts = await passed(...Array.from({ length: 40 }, () => chunk))
  expect(texts.length).toBeGreaterThan(1)
  for (const text of texts) expect(text.length).toBeLessThan(2 * 1024 * 1024)
  expect(texts.join('').replaceAll('\n', '')).toBe(chunk.repeat(40))
})

describe('what changes a terminal is taken out', () => {
  it.each([
    ['clears it', '\u001bc\u001b[2J\u001b[H\u001b[1;1H'],
    ['moves or hides the cursor', '\u001b[3A\u001b[?25l\u001b7'],
    ['switches to the other screen, or to mouse reports', '\u001b[?1049h\u001b[?1000h\u001b[>4;2m'],
    ['sets the title, or writes to the clipboard', '\u001b]0;title\u0007\u001b]52;c;YQ==\u001b\\'],
    ['changes the character set', '\u000e\u001b(0\u001b%G'],
    ['asks for an answer, rings or goes back', '\u0005\u001b[6n\u0007\b\b'],
    ['is a control of eight bits', '\u009b\u0090\u0085'],
  ])('if it %s', async (_, controls) => {
    expect(await passed(`a${controls}b\n`)).toEqual(['ab\n'])
  })

  it('if it begins a sequence and does not end it', async () => {
    expect(await passed('ab\u001b\nc\u001b]0;title\nd')).toEqual(['ab\nc\n', 'd\n'])
  })

  it('in pieces too', async () => {
    expect(await passed('a\u001b[?10', '49h', 'b\n')).toEqual(['ab\n'])
  })

  it('but not colours and tabs', async () => {
    const coloured = '\u001b[1;38;2;1;2;3m\u001b[4:3mready\t\u001b[0m\u001b[m\r\n'
    expect(await passed(coloured)).toEqual([coloured.replace('\r', '')])
  })
})

const line = (event: object) => `${JSON.stringify({ at: '2030-01-01T12:00:00.000Z', level: 'info', ...event })}\n`

it('shows the messages of events, and everything else unchanged', () => {
  const text = `${line({ event: 'polling', message: 'polling' })}{ no json\n${line({ level: 'error', message: 'bad' })}`
  expect(new EventLines({ isColoured: true }).read(text)).toBe('polling\n{ no json\n\u001b[31mbad\u001b[39m\n')
  expect(new EventLines({ isColoured: false }).read(text)).toBe('polling\n{ no json\nbad\n')
})

it('knows the running task', () => {
  const lines = new EventLines({ isColoured: false })
  lines.read(line({ event: 'started', message: 'build 7 started', task: 'build 7', run: 3 }))
  lines.read(line({ event: 'stopping', message: 'finishing build 7', task: 'build 7' }))
  lines.read(line({ event: 'recovered', message: 'build 6 recovered', task: 'build 6', run: 2 }))
  expect(lines.task).toMatchObject({ name: 'build 7', since: new Date('2030-01-01T12:00:00Z') })
  lines.read(line({ event: 'succeeded', message: 'build 7 succeeded', task: 'build 7', run: 3 }))
  expect(lines.task).toBeUndefined()
})
