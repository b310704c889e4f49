import { PassThrough } from 'node:stream'
import { finished } from 'node:stream/promises'
import { expect, it } from 'vitest'
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

it('takes out what clears the screen, and leaves colours', async () => {
  expect(await passed('\u001bc\u001b[2J\u001b[H\u001b[32mready\u001b[39m\n')).toEqual(['\u001b[32mready\u001b[39m\n'])
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
