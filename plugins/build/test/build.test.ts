import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { livingProcesses } from '../../../test/support/process-groups.ts'
import { until } from '../../../test/support/until.ts'
import build from '../src/build.ts'
import { commit, git, openBench, performOne, simple, temporaryFolder } from './support.ts'

const repositoryOf = (files: Record<string, string> = simple) => {
  const folder = join(temporaryFolder(), 'the shop')
  return { folder, revision: commit(folder, files) }
}

describe('a build', () => {
  test('checks out, builds and packs, and reports its progress', async () => {
    const { folder, revision } = repositoryOf()
    const { perform, artifacts } = await openBench()
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

  test('accepts a file:// URL', async () => {
    const { folder, revision } = repositoryOf()
    const { result } = await performOne({ repository: `file://${folder.replaceAll(' ', '%20')}` })
    expect(result?.revision).toBe(revision)
  })

  test('accepts a path relative to the project', async () => {
    const { folder, revision } = repositoryOf()
    const { perform, project } = await openBench()
    const { result } = await perform({ repository: relative(project, folder) })
    expect(result?.revision).toBe(revision)
  })

  test('accepts a branch, a tag, a full and an abbreviated commit', async () => {
    const { folder, revision: first } = repositoryOf()
    git(folder, 'tag', '--annotate', 'v1', '--message', 'one')
    git(folder, 'switch', '--quiet', '--create', 'größe/neu')
    const second = commit(folder, { text: 'second\n' })
    git(folder, 'switch', '--quiet', 'main')
    const { perform } = await openBench()
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
    const { perform } = await openBench()
    await perform({ repository: folder })
    git(folder, 'switch', '--quiet', '--create', 'next')
    const revision = commit(folder, {})
    expect((await perform({ repository: folder })).result?.revision).toBe(revision)
    git(folder, 'switch', '--quiet', '--detach')
    const detached = commit(folder, {})
    expect((await perform({ repository: folder })).result?.revision).toBe(detached)
  })

  test('checks out submodules, also with a relative URL', async () => {
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

  test('has the repository as origin', async () => {
    const { folder } = repositoryOf({})
    const { log } = await performOne({ repository: folder, command: 'git remote get-url origin' })
    expect(log).toContain(`\n${folder}\n`)
  })

  test("runs the task's command before that of the settings", async () => {
    const { folder } = repositoryOf({})
    const { perform } = await openBench({ command: 'mkdir out && echo from settings > out/a' })
    const fromSettings = await perform({ repository: folder })
    expect(fromSettings.log).toContain('$ mkdir out && echo from settings > out/a\n')
    const fromTask = await perform({ repository: folder, command: 'echo from task' })
    expect(fromTask.log).toContain('\nfrom task\n')
    expect(fromTask.result).toMatchObject({ artifact: null, artifactSize: null, artifactSha256: null })
  })

  test('runs npm for a package with a build script', async () => {
    const manifest = { name: 'shop', scripts: { build: 'mkdir dist && echo $npm_package_name > dist/name' } }
    const { folder } = repositoryOf({ 'package.json': JSON.stringify(manifest) })
    const { result, log } = await performOne({ repository: folder })
    expect(log).toContain('$ npm run build\n')
    expect(log).not.toContain('npm install')
    expect(execFileSync('tar', ['-xzOf', result!.artifact!, './name'], { encoding: 'utf8' })).toBe('shop\n')
  })

  test('is exclusive unless the settings say parallel, and has a timeout', () => {
    const { exclusive, timeout, priority } = build
    const decide = (settings: object) => (exclusive as (settings: object) => boolean)(settings)
    expect(decide({ parallel: false })).toBe(true)
    expect(decide({ parallel: true })).toBe(false)
    expect((timeout as (settings: object) => string)({ timeout: '30m' })).toBe('30m')
    expect(priority).toBe(10)
  })
})

describe('the environment of a build', () => {
  test('says what is built, and has no secrets of the worker', async () => {
    for (const name of ['SHOP_SECRET', 'OPS_DATABASE_URL', 'PGPASSWORD']) vi.stubEnv(name, 'postgres://secret')
    vi.stubEnv('NPM_TOKEN', 'token')
    const { folder, revision } = repositoryOf({})
    const settings = { env: { NODE_ENV: 'production' }, passEnv: ['NPM_TOKEN'], artifact: false }
    const { log } = await performOne({ repository: folder, ref: 'main', command: 'env' }, settings)
    const names = log.split('\n').flatMap((line) => /^([A-Z_]+)=/.exec(line)?.[1] ?? [])
    for (const line of [`BUILD_REVISION=${revision}`, 'BUILD_REF=main', 'BUILD_NUMBER=1'])
      expect(log).toContain(`\n${line}\n`)
    expect(log).toMatch(/^OPS_RUN_ID=\d+$/m)
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

  test('when a signal kills a command', async () => {
    const { folder } = repositoryOf({})
    expect(await failing({ repository: folder, command: 'kill -9 $$' })).toBe('`kill -9 $$` was killed by SIGKILL')
  })

  test('when no build command is detected', async () => {
    const { folder } = repositoryOf({ 'README.md': '' })
    expect(await failing({ repository: folder })).toMatch(/^no build command, and none detected: found no package.json/)
  })

  test('when the repository is missing, unreachable or none', async () => {
    const folder = temporaryFolder()
    expect(await failing({ repository: join(folder, 'x') })).toMatch(
      /^cannot read repository ".*\/x": .*\/x does not exist$/,
    )
    expect(await failing({ repository: folder })).toBe(
      `cannot read repository "${folder}": ${folder} is not a git repository`,
    )
    const url = 'http://127.0.0.1:1/shop.git'
    expect(await failing({ repository: url })).toMatch(
      /^cannot read repository "http:\/\/127.0.0.1:1\/shop.git": unable to access/,
    )
  })

  test('when git is not installed', async () => {
    const { folder } = repositoryOf()
    vi.stubEnv('PATH', '/nowhere')
    const message = await failing({ repository: folder })
    vi.unstubAllEnvs()
    expect(message).toMatch(/^git not found on the PATH \(\/nowhere:/)
  })

  test('without the password of a URL, which is not in the log either', async () => {
    const { error, log } = await performOne({ repository: 'http://bot:s3cret@127.0.0.1:1/shop.git' })
    expect(error).toMatch(/^cannot read repository "http:\/\/127.0.0.1:1\/shop.git": unable to access/)
    expect(log).toContain('http://127.0.0.1:1/shop.git')
    expect(log).not.toContain('s3cret')
  })

  test('when the ref does not exist, with the branch that was probably meant', async () => {
    const { folder } = repositoryOf()
    for (const name of ['release', 'feature/cart']) git(folder, 'branch', name)
    expect(await failing({ repository: folder, ref: 'feature/card' })).toBe(
      `"${folder}" has no branch, tag or commit "feature/card". Did you mean "feature/cart"?`,
    )
    for (const ref of ['', '--help', '-x', 'deadbeef', 'a'.repeat(40), 'main@{u}', 'main..main']) {
      expect(await failing({ repository: folder, ref })).toContain(`has no branch, tag or commit "${ref}"`)
    }
  })

  test('when the ref is not a commit', async () => {
    const { folder } = repositoryOf()
    git(folder, 'tag', 'tree', 'HEAD^{tree}')
    expect(await failing({ repository: folder, ref: 'tree' })).toContain('has no branch, tag or commit "tree"')
  })

  test('when the repository is empty', async () => {
    const folder = temporaryFolder()
    git(folder, 'init', '--quiet')
    for (const ref of ['HEAD', 'main']) {
      expect(await failing({ repository: folder, ref })).toBe(
        `"${folder}" has no commits; push one, then retry the build`,
      )
    }
  })

  test('when the default branch does not exist', async () => {
    const { folder } = repositoryOf()
    git(folder, 'symbolic-ref', 'HEAD', 'refs/heads/gone')
    expect(await failing({ repository: folder })).toBe(
      `the default branch of "${folder}" does not exist; set "ref" to one of: main`,
    )
  })

  test('when the configured artifact is not created', async () => {
    const { folder } = repositoryOf()
    expect(await failing({ repository: folder }, { artifact: 'public' })).toMatch(
      /^the build did not create "public"; set/,
    )
  })

  test('when a submodule cannot be checked out', async () => {
    const { folder } = repositoryOf({
      ...simple,
      '.gitmodules': '[submodule "gone"]\n\tpath = gone\n\turl = ../gone\n',
    })
    git(folder, 'update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},gone`)
    git(folder, 'commit', '--quiet', '--message', 'with a submodule')
    expect(await failing({ repository: folder })).toMatch(/^cannot check out a submodule of ".*": .*gone/)
  })
})

describe('a build that is stopped', () => {
  test('leaves no process and no partial artifact', async () => {
    const { folder } = repositoryOf({})
    const { start, artifacts } = await openBench()
    const running = await start({ repository: folder, command: 'mkdir dist; echo "group $$"; sleep 600; true' })
    const group = () => /^group (\d+)$/m.exec(running.log)?.[1]
    await until(() => group() !== undefined, 'the build command has started')
    expect((await running.timeOut()).task.error).toBe('timed out after 30m')
    expect(livingProcesses(group()!)).toEqual([])
    expect(existsSync(artifacts)).toBe(false)
  })

  test('leaves no partial artifact while packing', async () => {
    const { folder } = repositoryOf({})
    const { start, artifacts } = await openBench()
    const command = 'mkdir dist && head -c 300000000 /dev/urandom > dist/large'
    const running = await start({ repository: folder, command })
    const isPacking = () => existsSync(artifacts) && readdirSync(artifacts).some((name) => name.endsWith('.part'))
    await until(isPacking, 'the artifact is being packed')
    expect((await running.timeOut()).task.error).toBe('timed out after 30m')
    expect(readdirSync(artifacts)).toEqual([])
  })
})
