import { PassThrough } from 'node:stream'
import { finished } from 'node:stream/promises'
import { expect, it } from 'vitest'
import { onWholeLines } from '../../src/development/whole-lines.ts'

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
