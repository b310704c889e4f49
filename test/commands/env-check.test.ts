import { describe, expect, it } from 'vitest'
import { TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'

const config = `export default {
  database: process.env.SHOP_DATABASE ?? 'sqlite:.ops/ops.db',
  services: {
    api: { command: 'node api.js', envFile: '.env', env: { MODE: 'fast' } },
    web: { command: 'vite', only: 'development', env: { LOCAL: '1' } },
  },
}`

function shop(variables: string): TestProject {
  const project = new TestProject()
  project.write('ops.config.mjs', config)
  project.write('.env', variables)
  return project
}

describe('ops env check', () => {
  it('finds nothing where every reader agrees', async () => {
    const { exitCode, stdout } = await shop('TOKEN=abc\nNAME="with spaces"\n').ops('env', 'check')
    expect([exitCode, stdout]).toEqual([0, 'No differences found.'])
  })

  it('names the lines that others parse differently, and no value', async () => {
    const project = shop('# first\nTOKEN=hunter2 # note\nexport KEY=hunter2\nX-Y=hunter2\nA="it\\"s hunter2"\n')
    const { exitCode, stdout } = await project.ops('env', 'check')
    expect([exitCode, ...stdout.split('\n')]).toEqual([
      1,
      'api: systemd ignores X-Y: a name can only have letters, digits and "_"',
      '.env:2: TOKEN: systemd reads another value',
      '.env:3: KEY: systemd reads nothing',
      '.env:4: X-Y: systemd reads nothing',
      '.env:5: A: systemd reads another value',
      '.env:5: A: node --env-file reads another value',
    ])
    expect(stdout).not.toContain('hunter2')
    expect((await project.ops('env', 'check', '--json')).stdout).not.toContain('hunter2')
  })

  it('names variables that are missing on the server, from the names that it printed there', async () => {
    const server = shop('TOKEN=abc\n')
    const { stdout: names } = await server.ops('env', 'check', '--names')
    expect(names).toBe('api: MODE TOKEN\nworker:')
    const { exitCode, stdout } = await shop('TOKEN=abc\nSMTP_URL=x\n').opsProcessWith(
      { input: names },
      'env',
      'check',
      '--server',
      '-',
    )
    expect([exitCode, stdout]).toEqual([1, 'api: SMTP_URL is missing on the server'])
  })

  it('exits 2 when the names from the server cannot be read', async () => {
    const { exitCode, stderr } = await shop('TOKEN=abc\n').ops('env', 'check', '--server', 'nowhere.txt')
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toMatch(
      /^Error: Cannot read "nowhere\.txt": no such file or directory\. Try: ops env check --names # write the file on the server$/,
    )
  })

  it('finds a missing file, and a variable that the configuration reads from the shell', async () => {
    const project = new TestProject()
    project.write('ops.config.mjs', config)
    const { exitCode, stdout } = await project.opsWith({ env: { SHOP_DATABASE: 'sqlite:x.db' } }, 'env', 'check')
    expect([exitCode, ...stdout.split('\n')]).toEqual([
      1,
      'api: .env not found',
      'SHOP_DATABASE: set in this shell only, so no unit has it → add it to env or envFile of the worker',
    ])
  })
})
