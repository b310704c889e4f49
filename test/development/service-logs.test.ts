import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { LogReader, mergeLines } from '../../src/development/log-reader.ts'
import { ServiceLogs, serviceLogFile } from '../../src/development/service-logs.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

function logs(maxBytes?: number) {
  const directory = temporaryFolder()
  const errors: string[] = []
  const options = { onError: (file: string) => errors.push(file), ...(maxBytes && { maxBytes }) }
  return { directory, file: serviceLogFile(directory, 'api'), errors, logs: new ServiceLogs(directory, options) }
}

const texts = (reader: LogReader) => reader.read().map(({ text }) => text)

describe('the log of a service', () => {
  it('prefixes each line with the time it arrived', () => {
    const { logs: kept, file } = logs()
    kept.append('api', 'one\n\ntwo\n')
    expect(readFileSync(file, 'utf8')).toMatch(/^(\d{4}-\d\d-\d\dT[\d:.]{12}Z (one|two|)\n){3}$/)
    kept.close()
  })

  it('is rotated when it is full, and is read across that, by early and late readers', () => {
    const { logs: kept, file } = logs(300)
    const early = new LogReader('api', file)
    const read: string[] = []
    const written = Array.from({ length: 40 }, (_, index) => `line ${index}`)
    for (const line of written) {
      kept.append('api', `${line}\n`)
      read.push(...texts(early))
    }
    expect(read).toEqual(written)
    const late = texts(new LogReader('api', file))
    expect(late.length).toBeGreaterThan(5)
    expect(late.length).toBeLessThan(40)
    expect(written.slice(-late.length)).toEqual(late)
    kept.close()
  })

  it('starts a new line after a killed session left half a line', () => {
    const { logs: kept, file } = logs()
    writeFileSync(file, '2026-01-01T00:00:00.000Z early\nlast wo')
    kept.append('api', 'new\n')
    expect(new LogReader('api', file).read()).toMatchObject([
      { at: '2026-01-01T00:00:00.000Z', text: 'early' },
      { at: '2026-01-01T00:00:00.000Z', text: 'last wo' },
      { text: 'new' },
    ])
    kept.close()
  })

  it('is read in pieces of any size, including a last line without a newline', () => {
    const { file } = logs()
    const reader = new LogReader('api', file)
    expect(reader.read()).toEqual([])
    const text = Buffer.from('2026-01-01T00:00:00.000Z zwölf Boxkämpfer\n2026-01-01T00:00:01.000Z rest')
    const lines = []
    for (let end = 1; end <= text.length; end += 1) {
      writeFileSync(file, text.subarray(0, end))
      lines.push(...reader.read())
    }
    expect([...lines, ...reader.readRest()]).toMatchObject([{ text: 'zwölf Boxkämpfer' }, { text: 'rest' }])
  })

  it('that cannot be written is reported once, and breaks nothing', () => {
    const { logs: kept, errors, directory } = logs()
    for (let line = 0; line < 3; line += 1) kept.append(join('no', 'such', 'folder'), 'text\n')
    kept.append('api', 'text\n')
    expect(errors).toEqual([join(directory, 'no/such/folder.log')])
    kept.close()
  })
})

it('lines of several logs are merged by time, and those of one log keep their order', () => {
  const line = (service: string, at: string, text: string) => ({ service, at, text })
  const merged = mergeLines([
    [line('api', '1', 'a'), line('api', '3', 'b'), line('api', '3', 'c')],
    [line('web', '2', 'd'), line('web', '3', 'e')],
  ])
  expect(merged.map(({ text }) => text).join('')).toBe('adbce')
})
