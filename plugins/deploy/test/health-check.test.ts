import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { checkHealth } from '../src/health-check.ts'
import { ProgramError } from '../src/runner.ts'
import { freePort } from './sshd.ts'

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

function check(health: object, signal = new AbortController().signal, run = async () => {}) {
  const lines: string[] = []
  const log = (line: string) => lines.push(line)
  const defaults = { url: undefined, command: undefined, status: undefined, timeout: 300, interval: 20 }
  return { lines, done: checkHealth({ ...defaults, ...health }, { signal, log, run }) }
}

describe('a health check', () => {
  test('retries until the answer is good, and logs each complaint once', async () => {
    let asked = 0
    const url = await serve((_, response) => {
      asked += 1
      response.statusCode = asked < 4 ? 503 : 204
      response.end()
    })
    const { lines, done } = check({ url, timeout: 5000 })
    await done
    expect(lines).toEqual([`${url}: answered 503, expected a status below 400`, `${url} is healthy`])
  })

  test('may expect one status, and does not follow redirects', async () => {
    const url = await serve((_, response) => response.writeHead(302, { location: '/other' }).end())
    await check({ url, status: 302, timeout: 10_000 }).done
    await check({ url, timeout: 10_000 }).done
    await expect(check({ url, status: 200, timeout: 2000 }).done).rejects.toThrow(
      / was not healthy within 2\.0 s: answered 302, expected 200$/,
    )
  })

  test('reports a refused connection and a missing answer', async () => {
    const url = `http://127.0.0.1:${await freePort()}/`
    await expect(check({ url }).done).rejects.toThrow(/within 300 ms: connection refused$/)
    const silent = await serve(() => {})
    await expect(check({ url: silent }).done).rejects.toThrow(/within 300 ms: no answer in time$/)
  })

  test('reports the last answer if the time limit cuts the next one short', async () => {
    let asked = 0
    const url = await serve((_, response) => {
      asked += 1
      if (asked > 1) return
      response.statusCode = 500
      response.end()
    })
    await expect(check({ url, timeout: 1500 }).done).rejects.toThrow(/within 1\.5 s: answered 500, /)
    expect(asked).toBe(2)
  })

  test('may be a command, which is run until it succeeds', async () => {
    let runs = 0
    const run = async () => {
      runs += 1
      if (runs < 3) throw new Error('', { cause: new ProgramError('sh', 'failed with exit code 1', 1) })
    }
    const { lines, done } = check({ command: 'check', timeout: 10_000 }, undefined, run)
    await done
    expect(lines).toEqual(['`check`: failed with exit code 1', '`check` is healthy'])
  })

  test('ends at once when the task is aborted', async () => {
    const url = await serve(() => {})
    const stop = new AbortController()
    const { done } = check({ url, timeout: 60_000 }, stop.signal)
    setTimeout(() => stop.abort(new Error('canceled')), 50)
    await expect(done).rejects.toThrow('canceled')
  })
})
