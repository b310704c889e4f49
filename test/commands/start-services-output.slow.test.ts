import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { TestProject } from '../support/test-project.ts'

describe('the output of services', () => {
  it('a million lines of four services reach the screen and the logs, none lost, none torn', async () => {
    const each = 250_000
    const names = ['one', 'two', 'three', 'four']
    const project = new TestProject()
    const services = Object.fromEntries(
      names.map((name) => [
        name,
        { command: `seq -f "${name} says %.0f of many" ${each}; printf "the end of ${name}"` },
      ]),
    )
    project.write('ops.config.json', JSON.stringify({ services }))
    const { stdout, exitCode } = await project.ops('start-services', ...names)
    expect(exitCode).toBe(0)
    const lines = stdout.split('\n')
    for (const name of names) {
      const prefix = `${name.padEnd(5)} | `
      const own = lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length))
      expect(own).toHaveLength(each + 1)
      expect(own.findIndex((line, index) => line !== `${name} says ${index + 1} of many`)).toBe(each)
      expect(own.at(-1)).toBe(`the end of ${name}`)
      const kept = [`${name}.log.1`, `${name}.log`].map((file) => {
        const path = project.path(`.ops/logs/services/${file}`)
        return existsSync(path) ? readFileSync(path, 'utf8') : ''
      })
      const tail = kept
        .join('')
        .trimEnd()
        .split('\n')
        .map((line) => line.slice(25))
      expect(tail).toEqual(own.slice(-tail.length))
      expect(tail.length).toBeGreaterThan(100_000)
    }
  })
})
