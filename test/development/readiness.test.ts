import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { isReady, type ProbeContext } from '../../src/development/readiness.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const timeoutMs = 60_000

function context(): ProbeContext {
  return { output: new EventEmitter(), cwd: temporaryFolder(), env: {}, signal: new AbortController().signal }
}

it.each([404, 503])('a service that answers with %i is not ready yet', async (status) => {
  const answers = [status, status, 302]
  const server = createServer((_, response) => {
    response.statusCode = answers.shift()!
    response.end()
  }).listen()
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  expect(await isReady({ kind: 'http', url: `http://localhost:${port}/`, timeoutMs }, context())).toBe(true)
  expect(answers).toEqual([])
})

it('a service that has printed other lines is not ready yet', async () => {
  const given = context()
  let isUp = false
  const waiting = isReady({ kind: 'log', pattern: /^up \d+$/, timeoutMs }, given).then((isFound) => [isFound, isUp])
  given.output.emit('lines', 'starting up 1\nup\n', 'stdout')
  await new Promise(setImmediate)
  isUp = true
  given.output.emit('lines', 'loading\n\u001b[32mup 1\u001b[39m\n', 'stdout')
  expect(await waiting).toEqual([true, true])
})

it('a service whose command fails is not ready yet', async () => {
  const given = context()
  const command = 'echo >> looks; [ "$(wc -l < looks)" -eq 3 ]'
  expect(await isReady({ kind: 'command', command, timeoutMs }, { ...given, env: { PATH: process.env.PATH! } })).toBe(
    true,
  )
  expect(readFileSync(join(given.cwd, 'looks'), 'utf8')).toBe('\n\n\n')
})
