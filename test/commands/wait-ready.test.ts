import { describe, expect, it } from 'vitest'
import { TestProject } from '../support/test-project.ts'

describe('ops wait-ready', () => {
  it('exits 0 when the service is ready', async () => {
    const result = await new TestProject().ops('wait-ready', '--', 'true')
    expect(result).toEqual({ exitCode: 0, stdout: 'ready: true', stderr: '' })
  })

  it('says on standard error that the service is not ready in time, and exits 1', async () => {
    const result = await new TestProject().ops('wait-ready', '--timeout', '50ms', '--', 'false')
    expect(result).toEqual({ exitCode: 1, stdout: '', stderr: 'Error: Not ready within 50ms: false.' })
  })

  it('refuses a timeout that is no duration with 2', async () => {
    const { exitCode, stderr } = await new TestProject().ops('wait-ready', '--timeout', 'soon', '--', 'true')
    expect(exitCode).toBe(2)
    expect(stderr).toContain('--timeout: expected a duration such as "10m", got "soon"')
  })
})
