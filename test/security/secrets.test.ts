import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { postgresMissing, postgresUrl } from '../support/postgres-fixture.ts'
import { probePlugin, TestProject } from '../support/test-project.ts'
import { unless } from '../support/unless.ts'

/** Stands wherever a secret can. */
const MARK = 'm4rk-of-a-secret'

const config = {
  services: { api: { command: 'sleep 1000', env: { API_TOKEN: MARK } } },
  worker: { env: { SMTP_PASSWORD: MARK } },
  plugins: { exec: { env: { EXEC_SECRET: MARK } }, build: { env: { NPM_TOKEN: MARK } } },
}

function openProject(settings: object = {}): TestProject {
  const project = TestProject.withConfig({ ...config, ...settings } as never)
  project.linkHere({ name: 'ops-plugin-probe', root: probePlugin })
  return project
}

/** The files of the state folder, and the command lines of all processes that can be read, where the mark stands. */
function placesOf(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  return [...files, ...commandLines()].filter((file) => contains(file))
}

function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => `/proc/${pid}/cmdline`)
}

function contains(file: string): boolean {
  try {
    return readFileSync(file).includes(MARK)
  } catch {
    return false
  }
}

const commands = [
  ['migrate'],
  ['processors'],
  ['plugins'],
  ['doctor'],
  ['status'],
  ['tasks'],
  ['tasks', 'show', 'script', '1'],
  ['tasks', 'logs', 'script', '1'],
  ['audit'],
  ['holds'],
  ['schedules'],
  ['env', 'check'],
  ['prune', '--older-than', '1d', '--dry-run'],
  ['logs'],
  ['install-systemd', '--dry-run', '--user'],
]

describe('a secret', () => {
  it('is in no output, log, row or file, and no program of a task inherits it', async () => {
    const project = openProject()
    const env = { OTHER_TOKEN: MARK, PGPASSWORD: MARK }
    await project.ops('migrate')
    project.addScript('env; tr "\\0" "\\n" < /proc/$PPID/cmdline; exit 3')
    project.rows(`insert into outcomes (how) values ('throws') returning id`)
    const printed: unknown[] = [await project.opsWith({ env }, 'worker', '--drain')]
    for (const command of commands)
      printed.push(await project.opsWith({ env }, ...command), await project.opsWith({ env }, ...command, '--json'))
    expect(JSON.stringify(printed)).toContain('OPS_RUN=')
    expect(JSON.stringify(printed)).not.toContain(MARK)
    expect(placesOf(project.path('.ops'))).toEqual([])
  })

  it('of a command is not in its error, its columns or what is shown of it', async () => {
    const project = openProject()
    await project.ops('migrate')
    const values = JSON.stringify({ MY_TOKEN: MARK })
    const printed = [
      await project.ops('enqueue', 'exec', '--command', 'echo "$MY_TOKEN $EXEC_SECRET"; exit 3', '--env', values),
      await project.ops('worker', '--drain'),
      await project.ops('tasks'),
      await project.ops('tasks', 'show', 'exec', '1'),
      await project.ops('tasks', 'show', 'exec', '1', '--json'),
      await project.ops('audit', '--json'),
    ]
    const [row] = project.rows('select error, output_tail from commands')
    expect(row).toEqual({ error: expect.stringContaining('*** ***'), output_tail: '*** ***' })
    expect(JSON.stringify(printed)).not.toContain(MARK)
  })

  it.each([
    `postgres://ann:${MARK}@127.0.0.1:1/shop`,
    `postgres://ann:${MARK}/x@127.0.0.1:1/shop`,
    `postgres://127.0.0.1:1/shop?user=ann&password=${MARK}`,
    `mysql://ann:${MARK}@127.0.0.1/shop`,
    `${MARK.replace('m4', 'postgres:/ann:m4')}@127.0.0.1/shop`,
  ])('in a database URL that cannot be used is not shown: %s', async (url) => {
    const project = openProject()
    for (const command of [['tasks'], ['doctor'], ['migrate', '--json'], ['worker', '--drain']]) {
      const result = await project.opsWith({ env: { OPS_DATABASE_URL: url } }, ...command)
      expect(JSON.stringify(result)).not.toContain(MARK)
    }
  })

  it('in the URL of a database is in none of its rows', unless(postgresMissing), async () => {
    const url = new URL(await postgresUrl())
    url.password ||= MARK
    const env = { OPS_DATABASE_URL: url.href, OTHER_TOKEN: MARK }
    const project = openProject()
    const printed = [
      await project.opsWith({ env }, 'migrate'),
      await project.opsWith({ env }, 'enqueue', 'script', '--script', 'env; exit 3'),
      await project.opsWith({ env }, 'worker', '--drain'),
      await project.opsWith({ env }, 'tasks', 'logs', 'script', '1'),
      await project.opsWith({ env }, 'doctor', '--json'),
    ]
    expect(JSON.stringify(printed)).not.toContain(MARK)
    expect(JSON.stringify(printed)).toContain('OPS_RUN=')
    expect(JSON.stringify(printed)).not.toContain('OPS_DATABASE_URL=')
    expect(placesOf(project.path('.ops'))).toEqual([])
  })

  it('of a repository reaches the server, but no argument, log, row or checkout', async () => {
    const seen: (string | undefined)[] = []
    const places: string[] = []
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization)
      places.push(...commandLines().filter(contains))
      if (request.headers.authorization === undefined) response.setHeader('www-authenticate', 'Basic realm="x"')
      response.statusCode = request.headers.authorization === undefined ? 401 : 404
      response.end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`

    const project = openProject()
    await project.ops('migrate')
    const printed = [
      await project.ops('enqueue', 'build', '--repository', `http://bot:${MARK}%40%2F@${host}/shop`),
      await project.ops('worker', '--drain'),
      await project.ops('tasks'),
      await project.ops('tasks', 'show', 'build', '1', '--json'),
      await project.ops('tasks', 'logs', 'build', '1'),
    ]
    expect(seen).toContain(`Basic ${Buffer.from(`bot:${MARK}@/`).toString('base64')}`)
    expect(places).toEqual([])
    expect(JSON.stringify(printed)).not.toContain(MARK)
    // The row of the task holds what its writer put there.
    expect(placesOf(project.path('.ops')).filter((file) => !file.includes('ops.db'))).toEqual([])
    expect(project.value('select error from builds')).toContain(`http://${host}/shop`)
  })

  it('in the address of a plugin is refused, since npm would get it as an argument', async () => {
    const project = openProject()
    const result = await project.ops('plugins', 'install', `git+https://bot:${MARK}@example.com/plugin.git`)
    expect(result.stderr).toContain('its address contains a password or token')
    expect(JSON.stringify(result)).not.toContain(MARK)
  })
})
