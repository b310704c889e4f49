import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { isReady } from '../../src/development/readiness.ts'

it.each([404, 503])('a service that answers with %i is not ready yet', async (status) => {
  const answers = [status, status, 302]
  const server = createServer((_, response) => {
    response.statusCode = answers.shift()!
    response.end()
  }).listen()
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const probe = { kind: 'http', url: `http://localhost:${port}/`, timeoutMs: 60_000 } as const
  const context = {
    output: new EventEmitter<{ lines: [text: string, stream: 'stdout' | 'stderr'] }>(),
    cwd: '/',
    env: {},
    signal: new AbortController().signal,
  }
  expect(await isReady(probe, context)).toBe(true)
  expect(answers).toEqual([])
})
