import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { execa } from 'execa'
import { onTestFinished } from 'vitest'
import { TestProject } from '../../../test/support/test-project.ts'
import type { Sshd } from './sshd.ts'
import { temporaryFolder } from './support.ts'

/** A project with a repository, a build of it, and an environment whose health is up to the test. */
export class DeployProject {
  readonly project = new TestProject()
  readonly root = join(temporaryFolder(), 'staging')
  /** Releases that are unhealthy. */
  readonly unhealthy = new Set<number>()
  readonly #location: object
  #url = ''

  /** @param sshd the server of the environment; this machine by default */
  constructor(sshd?: Sshd) {
    this.#location = sshd ? { host: sshd.host, ssh: sshd.ssh, knownHosts: sshd.knownHosts } : {}
  }

  /** Serves the health check of the current release. */
  async serve(): Promise<void> {
    const server = createServer((_, response) => {
      response.statusCode = this.unhealthy.has(this.current ?? 0) ? 500 : 200
      response.end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.closeAllConnections())
    onTestFinished(() => void server.close())
    this.#url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`
  }

  /**
   * Writes the settings of the environment `staging`. Its `after` command is slow if the root contains `slow`, and fails if
   * it contains `broken`.
   */
  configure(change: object = {}): void {
    const staging = {
      path: this.root,
      ...this.#location,
      shared: ['uploads/'],
      before: 'echo "before $DEPLOY_RELEASE" >> ../../history',
      after: [
        'echo "after $DEPLOY_RELEASE" >> ../../history',
        'if [ -e ../../slow ]; then echo $$ > ../../pid; sleep 60; fi; test ! -e broken',
      ],
      health: { url: this.#url, timeout: '3s', interval: '100ms' },
      keep: 3,
      ...change,
    }
    this.project.write(
      'ops.config.json',
      JSON.stringify({ plugins: { build: {}, deploy: { environments: { staging } } } }),
    )
  }

  async commit(files: Readonly<Record<string, string>>): Promise<void> {
    const folder = this.project.path('shop')
    const git = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-C', folder]
    if (!existsSync(folder)) {
      this.project.write('shop/Makefile', 'all:\n\trm -rf dist && cp -R site dist\n')
      await execa('git', [...git, 'init', '--quiet'])
    }
    for (const [name, text] of Object.entries(files)) this.project.write(`shop/site/${name}`, text)
    await execa('git', [...git, 'add', '--all'])
    await execa('git', [...git, 'commit', '--quiet', '--message', 'a change'])
  }

  /** Runs build 1. */
  async withBuild(): Promise<void> {
    await this.serve()
    this.configure()
    await this.commit({ text: 'one\n' })
    await this.project.ops('enqueue', 'build', '--repository', this.project.path('shop'))
    await this.work()
  }

  /** Adds a deployment as an application does, and returns its id. */
  deploy(build = 1): number {
    const insert = this.project.database.prepare('insert into deployments (environment, build_id) values (?, ?)')
    return Number(insert.run('staging', build).lastInsertRowid)
  }

  rollback(toRelease: number | null = null): number {
    const insert = this.project.database.prepare('insert into rollbacks (environment, to_release) values (?, ?)')
    return Number(insert.run('staging', toRelease).lastInsertRowid)
  }

  async work() {
    return this.project.ops('worker', '--drain')
  }

  /** Runs a worker until the failpoint kills it. */
  async workUntil(failpoint: string) {
    return this.project.opsProcessWith({ env: { OPS_FAILPOINT: `${failpoint}:kill` } }, 'worker', '--drain')
  }

  task(table: 'builds' | 'deployments' | 'rollbacks', id: number) {
    const sql = `select status, error${table === 'builds' ? '' : ', release_number as release'} from ${table} where id = ?`
    return this.project.rows<{ status: string; error: string | null; release: number | null }>(sql, id)[0]!
  }

  log(table: string, id: number): string {
    return this.project.read(`.ops/logs/${table}/${id}.1.log`)
  }

  /** The release that `current` points to. */
  get current(): number | undefined {
    try {
      return Number(readlinkSync(join(this.root, 'current')).replace('releases/', ''))
    } catch {
      return undefined
    }
  }

  /** Whether the current release has all its files. */
  get isCurrentComplete(): boolean {
    const folder = join(this.root, 'current')
    return ['text', 'uploads', '.ops-release/release.json'].every((name) => existsSync(join(folder, name)))
  }

  /** The commands of the settings that have run. */
  get history(): string[] {
    return readFileSync(join(this.root, 'history'), 'utf8').trim().split('\n')
  }

  path(name: string): string {
    return join(this.root, name)
  }
}
