import { expect, it } from 'vitest'
import type { ServiceChange } from '../../src/development/service-reporter.ts'
import { formatChange } from '../../src/output/format-change.ts'

const exit = { exitCode: 7, signal: undefined }
const failed = (failures: number): ServiceChange => ({
  state: 'restarting',
  exit,
  delayMs: 2000,
  failures,
  withinMs: 60_000,
})
const error = new Error('Cannot start "api".')

it.each<[string, ServiceChange]>([
  ['waiting for db, cache', { state: 'waiting', dependencies: ['db', 'cache'] }],
  ['starting', { state: 'starting' }],
  ['waiting for port 80', { state: 'starting', probe: { kind: 'port', port: 80, timeoutMs: 1 } }],
  ['ready in 261 ms', { state: 'ready', durationMs: 261 }],
  ['completed in 1.2 s', { state: 'completed', durationMs: 1234 }],
  ['restarting', { state: 'restarting' }],
  ['restarting: api.js changed', { state: 'restarting', reason: 'api.js changed' }],
  ['failed with exit code 7; restarting in 2.0 s', failed(1)],
  ['failed with exit code 7; restarting in 2.0 s (2nd time in 1 m)', failed(2)],
  ['failed with exit code 7; restarting in 2.0 s (3rd time in 1 m)', failed(3)],
  ['failed with exit code 7; restarting in 2.0 s (10th time in 1 m)', failed(10)],
  ['failed with exit code 7', { state: 'exited', exit }],
  ['was killed by SIGSEGV', { state: 'failed', error, exit: { exitCode: 139, signal: 'SIGSEGV' } }],
  [
    'not ready within 30 s; waited for port 80',
    { state: 'failed', error, probe: { kind: 'port', port: 80, timeoutMs: 30_000 } },
  ],
  ['failed: Cannot start "api".', { state: 'failed', error }],
  ['stopping', { state: 'stopping' }],
  ['killed after 10 s without stopping', { state: 'killed', durationMs: 10_004 }],
])('a change is printed as "%s"', (text, change) => {
  expect(formatChange(change)).toBe(text)
})
