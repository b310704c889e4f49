import * as check from 'fast-check'
import { describe, expect, test } from 'vitest'
import { csvRecords } from '../src/csv-records.ts'
import { ndjsonRecords } from '../src/ndjson-records.ts'
import type { FileRecord, Records } from '../src/records.ts'

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function allOf({ names, batches }: Records) {
  const records: FileRecord[] = []
  for await (const batch of batches) records.push(...batch)
  return { names, records }
}

const csv = async (bytes: Buffer, size = bytes.length) => {
  try {
    return await allOf(await csvRecords(inChunks(bytes, size), { delimiter: ',', names: ['a', 'b'] }))
  } catch (error) {
    return (error as Error).message
  }
}

const ndjson = async (bytes: Buffer, size = bytes.length) => {
  try {
    return await allOf(await ndjsonRecords(inChunks(bytes, size), { names: undefined }))
  } catch (error) {
    return (error as Error).message
  }
}

const bytesOf = (...parts: (string | number)[]) =>
  check
    .array(check.constantFrom(...parts), { maxLength: 40 })
    .map((parts) =>
      Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part)))),
    )

describe('a file gives the same records, however it is split into chunks:', () => {
  test('CSV', async () => {
    const bytes = bytesOf('"', '"', ',', ',', '\n', '\r\n', '\r', 'x', 'ü', '\u{1f600}', '\ufffd', 0xfc, 0xf0, 0x9f)
    const property = check.asyncProperty(bytes, check.integer({ min: 1, max: 5 }), async (bytes, size) => {
      expect(await csv(bytes, size)).toEqual(await csv(bytes))
    })
    await check.assert(property, { numRuns: 1000, seed: 1 })
  })

  test('NDJSON', async () => {
    const bytes = bytesOf('{"a":1}', '{"a":"ü"}', '\n', '\r\n', '{', '\u{1f600}', 0xfc, ' ', '[1]')
    const property = check.asyncProperty(bytes, check.integer({ min: 1, max: 5 }), async (bytes, size) => {
      expect(await ndjson(bytes, size)).toEqual(await ndjson(bytes))
    })
    await check.assert(property, { numRuns: 1000, seed: 1 })
  })
})

test('a record has the line where it starts, whatever comes before it', async () => {
  const field = check.constantFrom('x', '"a\r\nb"', '"\n\n"', '"\r"', '""', '')
  const lineBreak = check.constantFrom('\n', '\r\n')
  const property = check.asyncProperty(
    check.array(check.tuple(field, field, lineBreak), { maxLength: 20 }),
    async (rows) => {
      let text = ''
      const lines = rows.map((row) => {
        const line = 1 + (text.match(/\r\n|\r|\n/g) ?? []).length
        text += `${row[0]},${row[1]}${row[2]}`
        return line
      })
      const read = await csv(Buffer.from(text))
      expect(typeof read === 'string' ? read : read.records.map(({ line }) => line)).toEqual(lines)
    },
  )
  await check.assert(property, { numRuns: 500, seed: 1 })
})
