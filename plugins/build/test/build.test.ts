import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import build from '../src/build.ts'
import { commit, git, performOne, simple, temporaryFolder, workshop } from './support.ts'

const repositoryOf = (files: Record<string, string> = simple) => {
  const folder = join(temporaryFolder(), 'the shop')
  return { folder, revision: commit(folder, files) }
}

describe('a build', () => {
  test('checks out, builds, packs, and says what it is at', async () => {
    const { folder, revision } = repositoryOf()
    const { perform, artifacts } = await workshop()
    const { result, notes, log } = await perform({ repository: folder })
    const artifact = join(artifacts, `1-${revision.slice(0, 7)}.tar.gz`)
    const bytes = readFileSync(artifact)
    expect(result).toEqual({
      revision,
      artifact,
      artifactSize: bytes.length,
      artifactSha256: createHash('sha256').update(bytes).digest('hex'),
    })
    expect(execFileSync('tar', ['-xzOf', artifact, './text'], { encoding: 'utf8' })).toBe('hello\n')
    expect(notes).toEqual(['fetching', `checking out ${revision.slice(0, 7)}`, 'building', 'packing'])
    expect(log).toContain('$ make\n')
    expect(readdirSync(artifacts)).toHaveLength(1)
  })

  test('takes a file:// URL', async () => {
    const { folder, revision } = repositoryOf()
    const { result } = await performOne({ repository: `file://${folder.replaceAll(' ', '%20')}` })
    expect(result?.revision).toBe(revision)
  })

  test('takes a path relative to the project', async () => {
    const { folder, revision } = repositoryOf()
    const { perform, project } = await workshop()
    const { result } = await perform({ repository: relative(project, folder) })
    expect(result?.revision).toBe(revision)
  })

  test('takes a branch, a tag, a full and a short commit, also with letters of any language', async () => {
    const { folder, revision: first } = repositoryOf()
    git(folder, 'tag', '--annotate', 'v1', '--message', 'one')
    git(folder, 'switch', '--quiet', '--create', 'größe/neu')
    const second = commit(folder, { text: 'second\n' })
    git(folder, 'switch', '--quiet', 'main')
    const { perform } = await workshop()
    for (const [ref, revision] of [
      ['main', first],
      ['v1', first],
      ['größe/neu', second],
      ['refs/heads/größe/neu', second],
      [second, second],
      [second.slice(0, 8), second],
      ['HEAD', first],
    ] as const) {
      expect([ref, (await perform({ repository: folder, ref })).result?.revision]).toEqual([ref, revision])
    }
  })

  test('follows HEAD to another default branch', async () => {
    const { folder } = repositoryOf()
    const { perform } = await workshop()
    await perform({ repository: folder })
    git(folder, 'switch', '--quiet', '--create', 'next')
    const revision = commit(folder, {})
    expect((await perform({ repository: folder })).result?.revision).toBe(revision)
    git(folder, 'switch', '--quiet', '--detach')
    const detached = commit(folder, {})
    expect((await perform({ repository: folder })).result?.revision).toBe(detached)
  })

  test('brings submodules, those with a relative URL too', async () => {
    const parent = temporaryFolder()
    commit(join(parent, 'library'), { text: 'from the library\n' })
    const shop = join(parent, 'shop')
    commit(shop, { Makefile: 'all:\n\tmkdir dist && cp library/text dist/\n' })
    git(shop, 'submodule', '--quiet', 'add', '../library')
    commit(shop, {})
    const { result, error } = await performOne({ repository: shop })
    expect(error).toBeUndefined()
    expect(execFileSync('tar', ['-xzOf', result!.artifact!, './text'], { encoding: 'utf8' })).toBe('from the library\n')
  })

  test('has the repository as its remote', async () => {
    const { folder } = repositoryOf({})
    const { log } = await performOne({ repository: folder, command: 'git remote get-url origin' })
    expect(log).toContain(`\n${folder}\n`)
  })

  test("runs the task's command, else that of the settings", async () => {
    const { folder } = repositoryOf({})
    const { perform } = await workshop({ command: 'mkdir out && echo from settings > out/a' })
    const fromSettings = await perform({ repository: folder })
    expect(fromSettings.log).toContain('$ mkdir out && echo from settings > out/a\n')
    const fromTask = await perform({ repository: folder, command: 'echo from task' })
    expect(fromTask.log).toContain('\nfrom task\n')
    expect(fromTask.result).toMatchObject({ artifact: null, artifactSize: null, artifactSha256: null })
  })

  test('of a package with a build script runs npm', async () => {
    const manifest = { name: 'shop', scripts: { build: 'mkdir dist && echo $npm_package_name > dist/name' } }
    const { folder } = repositoryOf({ 'package.json': JSON.stringify(manifest) })
    const { result, log } = await performOne({ repository: folder })
    expect(log).toContain('$ npm run build\n')
    expect(log).not.toContain('npm install')
    expect(execFileSync('tar', ['-xzOf', result!.artifact!, './name'], { encoding: 'utf8' })).toBe('shop\n')
  })

  test('is exclusive unless the settings say parallel, and ends after its timeout', () => {
    const { exclusive, timeout, priority } = build
    const decide = (settings: object) => (exclusive as (settings: object) => boolean)(settings)
    expect(decide({ parallel: false })).toBe(true)
    expect(decide({ parallel: true })).toBe(false)
    expect((timeout as (settings: object) => string)({ timeout: '30m' })).toBe('30m')
    expect(priority).toBe(10)
  })
})

describe('a build sees', () => {
  test('what is built, and no secret of the worker', async () => {
    for (const name of ['SHOP_SECRET', 'OPS_DATABASE_URL', 'PGPASSWORD']) vi.stubEnv(name, 'postgres://secret')
    vi.stubEnv('NPM_TOKEN', 'token')
    const { folder, revision } = repositoryOf({})
    const settings = { env: { NODE_ENV: 'production' }, passEnv: ['NPM_TOKEN'], artifact: false }
    const { log } = await performOne({ repository: folder, ref: 'main', command: 'env' }, settings)
    const names = log.split('\n').flatMap((line) => /^([A-Z_]+)=/.exec(line)?.[1] ?? [])
    for (const line of [`BUILD_REVISION=${revision}`, 'BUILD_REF=main', 'BUILD_NUMBER=1'])
      expect(log).toContain(`\n${line}\n`)
    expect(log).toMatch(/^OPS_RUN_ID=1$/m)
    expect(log).toMatch(/^CI=true$/m)
    expect(log).toMatch(/^NODE_ENV=production$/m)
    expect(log).toMatch(/^NPM_TOKEN=token$/m)
    expect(log).not.toContain('postgres://secret')
    expect(log).not.toContain('OPS_DATABASE_URL')
    const usual = ['CI', 'HOME', 'LANG', 'PATH', 'PWD', 'SHELL', 'SHLVL', 'TMPDIR', 'TZ', 'USER', '_']
    const own = ['BUILD_NUMBER', 'BUILD_REF', 'BUILD_REVISION', 'NODE_ENV', 'NPM_TOKEN', 'OLDPWD']
    expect(
      names.filter((name) => !usual.includes(name) && !own.includes(name) && !/^(LC_|LANGUAGE|OPS_)/.test(name)),
    ).toEqual([])
  })
})

describe('a build fails with one line', () => {
  const failing = async (values: { repository: string; ref?: string; command?: string }, settings = {}) => {
    const { error } = await performOne(values, settings)
    expect(error).not.toContain('\n')
    return error
  }

  test('when a command fails, with the end of its output', async () => {
    const { folder } = repositoryOf({ Makefile: 'all:\n\t@echo one; echo two >&2; exit 3\n' })
    const message = await failing({ repository: folder })
    expect(message).toMatch(/^`make` failed with exit code 2: one \| two \| make: \*\*\* \[Makefile:2: all\] Error 3$/)
  })

  test('when a script fails, without what npm adds', async () => {
    const manifest = { scripts: { build: 'echo "src/a.ts: no such type" && exit 1' } }
    const { folder } = repositoryOf({ 'package.json': JSON.stringify(manifest) })
    const message = await failing({ repository: folder })
    expect(message).toMatch(/^`npm run build` failed with exit code 1: .*src\/a.ts: no such type$/)
  })

  test('when a command is not there', async () => {
    const { folder } = repositoryOf({ Makefile: '' })
    const message = await failing({ repository: folder, command: 'no-such-tool --now' })
    expect(message).toMatch(/^`no-such-tool --now` failed with exit code 127: .*not found$/)
  })

  test('when a command is ended by a signal', async () => {
    const { folder } = repositoryOf({})
    expect(await failing({ repository: folder, command: 'kill -9 $$' })).toBe('`kill -9 $$` was ended by SIGKILL')
  })

  test('when nothing known is there to build', async () => {
    const { folder } = repositoryOf({ 'README.md': '' })
    expect(await failing({ repository: folder })).toMatch(/^there is nothing known to build: looked for package.json/)
  })

  test('when the repository is not there or is none', async () => {
    const folder = temporaryFolder()
    expect(await failing({ repository: join(folder, 'x') })).toMatch(/\/x" cannot be read: .*\/x does not exist$/)
    expect(await failing({ repository: folder })).toBe(`"${folder}" cannot be read: ${folder} is not a git repository`)
    const url = 'http://127.0.0.1:1/shop.git'
    expect(await failing({ repository: url })).toMatch(
      /^"http:\/\/127.0.0.1:1\/shop.git" cannot be read: unable to access/,
    )
  })

  test('when git is not installed', async () => {
    const { folder } = repositoryOf()
    vi.stubEnv('PATH', '/nowhere')
    const message = await failing({ repository: folder })
    vi.unstubAllEnvs()
    expect(message).toMatch(/^git is not installed on this machine, or not in the worker's PATH \(\/nowhere:/)
  })

  test('without the password of a URL, which the log does not hold either', async () => {
    const { error, log } = await performOne({ repository: 'http://bot:s3cret@127.0.0.1:1/shop.git' })
    expect(error).toMatch(/^"http:\/\/127.0.0.1:1\/shop.git" cannot be read: unable to access/)
    expect(log).toContain('http://127.0.0.1:1/shop.git')
    expect(log).not.toContain('s3cret')
  })

  test('when the ref is not there, with the nearest branches', async () => {
    const { folder } = repositoryOf()
    for (const name of ['release', 'feature/cart']) git(folder, 'branch', name)
    expect(await failing({ repository: folder, ref: 'feature/card' })).toBe(
      `"${folder}" has no branch, tag or commit "feature/card"; its branches are, the nearest first: feature/cart, release, main`,
    )
    for (const ref of ['', '--help', '-x', 'deadbeef', 'a'.repeat(40), 'main@{u}', 'main..main']) {
      expect(await failing({ repository: folder, ref })).toContain(`has no branch, tag or commit "${ref}"`)
    }
  })

  test('when a ref stands for no commit', async () => {
    const { folder } = repositoryOf()
    git(folder, 'tag', 'tree', 'HEAD^{tree}')
    expect(await failing({ repository: folder, ref: 'tree' })).toContain('has no branch, tag or commit "tree"')
  })

  test('when the repository is empty', async () => {
    const folder = temporaryFolder()
    git(folder, 'init', '--quiet')
    for (const ref of ['HEAD', 'main']) {
      expect(await failing({ repository: folder, ref })).toBe(
        `"${folder}" has no commits yet; push one, then retry the build`,
      )
    }
  })

  test('when HEAD names no branch', async () => {
    const { folder } = repositoryOf()
    git(folder, 'symbolic-ref', 'HEAD', 'refs/heads/gone')
    expect(await failing({ repository: folder })).toBe(
      `"${folder}" has no HEAD, its default branch does not exist; set "ref" to one of: main`,
    )
  })

  test('when the configured artifact is not made', async () => {
    const { folder } = repositoryOf()
    expect(await failing({ repository: folder }, { artifact: 'public' })).toMatch(/^the build left no "public"; set/)
  })

  test('when a submodule cannot be had', async () => {
    const { folder } = repositoryOf({
      ...simple,
      '.gitmodules': '[submodule "gone"]\n\tpath = gone\n\turl = ../gone\n',
    })
    git(folder, 'update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},gone`)
    git(folder, 'commit', '--quiet', '--message', 'with a submodule')
    expect(await failing({ repository: folder })).toMatch(/^a submodule of ".*" cannot be checked out: .*gone/)
  })
})

describe('a build that is stopped', () => {
  test('leaves neither process nor half artifact', async () => {
    const { folder } = repositoryOf({})
    const { start, artifacts } = await workshop()
    const running = await start({ repository: folder, command: 'mkdir dist; echo "group $$"; sleep 600; true' })
    const group = await vi.waitUntil(() => /^group (\d+)$/m.exec(running.log)?.[1], { timeout: 10_000 })
    expect((await running.timeOut()).task.error).toBe('timed out after 30m')
    expect(livingIn(group!)).toEqual([])
    expect(existsSync(artifacts)).toBe(false)
  })

  test('leaves no half artifact while it packs', async () => {
    const { folder } = repositoryOf({})
    const { start, artifacts } = await workshop()
    const command = 'mkdir dist && head -c 300000000 /dev/urandom > dist/large'
    const running = await start({ repository: folder, command })
    const isPacking = () => existsSync(artifacts) && readdirSync(artifacts).some((name) => name.endsWith('.part'))
    await vi.waitUntil(isPacking, { timeout: 20_000, interval: 5 })
    expect((await running.timeOut()).task.error).toBe('timed out after 30m')
    expect(readdirSync(artifacts)).toEqual([])
  })
})

/** Zombies aside: in a container nobody may collect them. */
function livingIn(group: string): string[] {
  const processes = execFileSync('ps', ['-eo', 'pgid=,stat=,args='], { encoding: 'utf8' }).split('\n')
  return processes.filter((line) => line.trim().startsWith(`${group} `) && !/^\s*\d+\s+Z/.test(line))
}
