import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { execa } from 'execa'
import { onTestFinished } from 'vitest'
import { TestProject } from '../../../test/support/test-project.ts'
import type { Sshd } from './sshd.ts'
import { temporaryFolder } from './support.ts'

/** A project with a repository, a build of it, and an environment whose health the test decides. */
export class Workshop {
  readonly project = new TestProject()
  readonly root = join(temporaryFolder(), 'staging')
  /** Releases that are not healthy. */
  readonly ill = new Set<number>()
  readonly #place: object
  #url = ''

  /** @param sshd the server behind which the environment is; on this machine without one */
  constructor(sshd?: Sshd) {
    this.#place = sshd ? { host: sshd.host, ssh: sshd.ssh, knownHosts: sshd.knownHosts } : {}
  }

  /** Answers for the application: what it says depends on what `current` leads to. */
  async serve(): Promise<void> {
    const server = createServer((_, response) => {
      response.statusCode = this.ill.has(this.current ?? 0) ? 500 : 200
      response.end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.closeAllConnections())
    onTestFinished(() => void server.close())
    this.#url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`
  }

  /** The settings of the environment `staging`. The files `slow` and `broken` in its root stand in an after-command's way. */
  configure(change: object = {}): void {
    const staging = {
      path: this.root,
      ...this.#place,
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
    this.project.write('ops.config.json', JSON.stringify({ plugins: { deploy: { environments: { staging } } } }))
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

  /** A project in which build 1 has succeeded. */
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

  /** Works until the failpoint kills the worker. */
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

  /** The release that `current` leads to. */
  get current(): number | undefined {
    try {
      return Number(readlinkSync(join(this.root, 'current')).replace('releases/', ''))
    } catch {
      return undefined
    }
  }

  /** Whether it is there, with all its files and what is known of it. */
  get isCurrentWhole(): boolean {
    const folder = join(this.root, 'current')
    return ['text', 'uploads', '.ops-release/release.json'].every((name) => existsSync(join(folder, name)))
  }

  /** What the commands of the settings have done. */
  get history(): string[] {
    return readFileSync(join(this.root, 'history'), 'utf8').trim().split('\n')
  }

  path(name: string): string {
    return join(this.root, name)
  }
}
