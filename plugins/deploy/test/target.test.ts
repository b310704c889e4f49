import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isRunning } from '../../../test/support/test-project.ts'
import { unless } from '../../../test/support/unless.ts'
import { until } from '../../../test/support/until.ts'
import { standaloneRunner } from '../src/runner.ts'
import { localShell, type Shell, sshShell } from '../src/shell.ts'
import { Target } from '../src/target.ts'
import { type Sshd, sshdMissing, startSshd } from './sshd.ts'
import { makeArtifact, sha256, temporaryFolder } from './support.ts'

const env = { PATH: process.env.PATH!, HOME: process.env.HOME! }
const info = { environment: 'staging', build: 3, revision: 'abc', run: 7 }

/** What local and remote targets promise. */
function conformance(makeShell: (log: (text: string) => void, until: AbortSignal) => Shell) {
  function open(run = 1, root = join(temporaryFolder(), `it's "here" $HOME`)) {
    let log = ''
    const stop = new AbortController()
    const shell = makeShell((text) => {
      log += text
    }, stop.signal)
    const target = new Target(shell, root, String(run))
    return { target, root, log: () => log, stop, releases: join(root, 'releases'), current: join(root, 'current') }
  }

  async function release(target: Target, number: number, files: Record<string, string> = { text: `${number}\n` }) {
    await target.unpack(number, makeArtifact(files))
    await target.complete(number, { ...info, build: number })
  }

  test('has no releases where nothing is, and creates nothing by listing them', async () => {
    const { target, root } = open()
    expect(await target.list()).toEqual({ all: [], current: undefined })
    expect(existsSync(root)).toBe(false)
  })

  test('creates a release step by step, and lists it only when it is complete', async () => {
    const { target, root, releases, current } = open()
    expect(await target.begin()).toEqual({ all: [], current: undefined })
    await target.unpack(1, makeArtifact({ 'a file': 'hello\n', 'folder/b': '' }))
    expect(readdirSync(releases)).toEqual(['1.partial'])
    expect((await target.list()).all).toEqual([])
    await target.complete(1, info)
    expect(readdirSync(releases)).toEqual(['1'])
    expect(existsSync(current)).toBe(false)
    await target.switch(1)
    expect(readlinkSync(current)).toBe('releases/1')
    expect(readFileSync(join(current, 'a file'), 'utf8')).toBe('hello\n')
    await target.markSucceeded(1, new Date(0))
    expect(await target.list()).toEqual({
      all: [{ number: 1, info, isVerified: true, withdrawn: undefined }],
      current: 1,
    })
    expect(readdirSync(root).sort()).toEqual(['.ops-lock', '.ops-run', 'current', 'releases', 'shared'])
  })

  test('switches from one release to another, and to none', async () => {
    const { target, current, releases } = open()
    await target.begin()
    await release(target, 1)
    await release(target, 2)
    await target.switch(1)
    await target.switch(2)
    expect(readlinkSync(current)).toBe('releases/2')
    await target.switch(1)
    expect(readFileSync(join(current, 'text'), 'utf8')).toBe('1\n')
    expect(readdirSync(join(releases, '2')).sort()).toEqual(['.ops-release', 'text'])
    await target.switch(undefined)
    expect(existsSync(current)).toBe(false)
  })

  test('keeps "current" valid at every moment of a switch', async () => {
    const { target, current } = open()
    await target.begin()
    await release(target, 1)
    await release(target, 2)
    await target.switch(1)
    let looks = 0
    let isDone = false
    const watching = (async () => {
      while (!isDone) {
        for (let at = 0; at < 50; at += 1, looks += 1) readFileSync(join(current, 'text'), 'utf8')
        await delay(0)
      }
    })()
    for (let count = 0; count < 5; count += 1) await target.switch(1 + (count % 2))
    isDone = true
    await watching
    expect(looks).toBeGreaterThan(50)
  })

  test('refuses to switch to an incomplete release', async () => {
    const { target, current } = open()
    await target.begin()
    await target.unpack(1, makeArtifact({ a: '' }))
    await expect(target.switch(1)).rejects.toThrow(/releases\/1 is not a complete release$/)
    expect(existsSync(current)).toBe(false)
  })

  test('refuses a "current" that is a folder, and does not touch it', async () => {
    const { target, current } = open()
    mkdirSync(join(current, 'precious'), { recursive: true })
    await expect(target.begin()).rejects.toThrow(/current is not a symbolic link; move it away/)
    expect(readdirSync(current)).toEqual(['precious'])
  })

  test('refuses an artifact that was damaged while copying', async () => {
    const { target, releases } = open()
    await target.begin()
    const { file } = makeArtifact({ a: '' })
    await expect(target.unpack(1, { file, sha256: '0'.repeat(64) })).rejects.toThrow(
      /damaged while copying: expected sha256 000/,
    )
    expect(existsSync(join(releases, '1.partial'))).toBe(false)
  })

  test('unpacks files as the current user, executables included', async () => {
    const { target, releases } = open()
    await target.begin()
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'run'), '#!/bin/sh\n', { mode: 0o755 })
    const file = join(temporaryFolder(), 'a.tar.gz')
    execFileSync('tar', ['-czf', file, '--owner=4711', '--group=4711', '-C', folder, '.'])
    await target.unpack(1, { file, sha256: sha256(file) })
    const { uid, mode } = statSync(join(releases, '1.partial', 'run'))
    expect([uid, mode & 0o777]).toEqual([process.getuid?.(), 0o755])
  })

  test('does not write through a link in the artifact', async () => {
    const { target } = open()
    await target.begin()
    const outside = temporaryFolder()
    const folder = temporaryFolder()
    symlinkSync(outside, join(folder, 'link'))
    writeFileSync(join(folder, 'evil'), '')
    const archive = join(folder, 'artifact.tar')
    execFileSync('tar', ['-cf', archive, '-C', folder, 'link'])
    execFileSync('tar', ['-rf', archive, '-C', folder, '--transform', 's,^,link/,', 'evil'])
    execFileSync('gzip', [archive])
    await target.unpack(1, { file: `${archive}.gz`, sha256: sha256(`${archive}.gz`) }).catch(() => {})
    expect(readdirSync(outside)).toEqual([])
  })

  test('links shared paths: creates folders, and takes over what the first release contains', async () => {
    const { target, root, releases } = open()
    mkdirSync(join(root, 'shared'), { recursive: true })
    writeFileSync(join(root, 'shared', "the user's .env"), 'SECRET=1\n')
    await target.begin()
    const shared = ['storage/uploads/', "the user's .env", 'data']
    await target.unpack(1, makeArtifact({ 'data/seed': 'first\n', "the user's .env": 'SECRET=example\n' }))
    await target.link(1, shared)
    await target.complete(1, info)
    await target.unpack(2, makeArtifact({ 'data/seed': 'second\n' }))
    await target.link(2, shared)
    await target.complete(2, info)
    expect(readlinkSync(join(releases, '2', 'storage', 'uploads'))).toBe('../../../shared/storage/uploads')
    expect(statSync(join(releases, '2', 'storage', 'uploads')).isDirectory()).toBe(true)
    expect(readFileSync(join(releases, '2', "the user's .env"), 'utf8')).toBe('SECRET=1\n')
    expect(readFileSync(join(releases, '2', 'data', 'seed'), 'utf8')).toBe('first\n')
  })

  test('reports a missing shared file', async () => {
    const { target } = open()
    await target.begin()
    await target.unpack(1, makeArtifact({ a: '' }))
    await expect(target.link(1, ['.env'])).rejects.toThrow(
      /shared\/\.env does not exist; create it, or write "\.env\/"/,
    )
  })

  test('does not follow a link in the artifact out of the release', async () => {
    const { target, releases } = open()
    await target.begin()
    const outside = temporaryFolder()
    writeFileSync(join(outside, 'precious'), '')
    await target.unpack(1, makeArtifact({ a: '' }))
    symlinkSync(outside, join(releases, '1.partial', 'storage'))
    await expect(target.link(1, ['storage/precious'])).rejects.toThrow(
      /cannot share "storage\/precious": "storage" is a symbolic link/,
    )
    expect(existsSync(join(outside, 'precious'))).toBe(true)
  })

  test('runs commands in a release, with their variables', async () => {
    const { target, log, releases } = open()
    await target.begin()
    await release(target, 1)
    const nasty = `'a' "b" $HOME \`c\` \\ ! * \n# ü;&`
    await target.command('1', `printf '[%s] %s\n' "$NASTY" "$(pwd)"; echo 'it''s' >&2`, { NASTY: nasty })
    expect(log()).toContain(`[${nasty}] ${join(releases, '1')}\n`)
    expect(log()).toContain('its\n')
  })

  test('reports how a command failed, with the end of its output', async () => {
    const { target } = open()
    await target.begin()
    await release(target, 1)
    const failing = target.command('1', 'echo one; echo two >&2; exit 7', {})
    await expect(failing).rejects.toThrow(/failed with exit code 7: one \| two$/)
  })

  test('gives a command no input, so that it cannot wait for an answer', async () => {
    const { target, log } = open()
    await target.begin()
    await release(target, 1)
    await target.command('1', 'read answer || echo nothing to read', {})
    expect(log()).toContain('nothing to read')
  })

  test('ends everything that a command started when it is ended', async () => {
    const { target, stop, root } = open()
    await target.begin()
    await release(target, 1)
    const file = join(root, 'pid')
    const running = target.command('1', 'sleep 300 & echo $! > ../../pid; wait; true', {})
    await until(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'), 'the command has started')
    const pid = Number(readFileSync(file, 'utf8'))
    stop.abort()
    await expect(running).rejects.toThrow()
    await until(() => !isRunning(pid), 'the command has ended')
  })

  test('refuses every change of a run that was superseded', async () => {
    const { target: late, root, current } = open(7)
    await late.begin()
    await release(late, 1)
    await late.unpack(2, makeArtifact({ a: '' }))
    const { target: later } = open(8, root)
    await later.begin()
    await later.switch(1)
    const refused = /run 7 was superseded by run 8 in .*; if the database was recreated/
    await expect(late.switch(undefined)).rejects.toThrow(refused)
    await expect(late.complete(2, info)).rejects.toThrow(refused)
    await expect(late.remove([1])).rejects.toThrow(refused)
    await expect(late.markWithdrawn(1, 'x')).rejects.toThrow(refused)
    await expect(late.begin()).rejects.toThrow(refused)
    await expect(late.command('1', 'true', {})).rejects.toThrow(refused)
    expect(readlinkSync(current)).toBe('releases/1')
  })

  test('waits for the lock of another run', async () => {
    const { target, root, current } = open()
    await target.begin()
    await release(target, 1)
    const holder = standaloneRunner(AbortSignal.timeout(10_000))
    const holding = holder(
      'flock',
      [join(root, '.ops-lock'), 'sh', '-c', `touch '${join(root, 'held').replaceAll("'", `'\\''`)}'; sleep 1`],
      { env },
    )
    await until(() => existsSync(join(root, 'held')), 'the lock is held')
    const switching = target.switch(1)
    await delay(300)
    expect(existsSync(current)).toBe(false)
    await Promise.all([holding, switching])
    expect(readlinkSync(current)).toBe('releases/1')
  })

  test('removes what killed runs left, also read-only folders', async () => {
    const { target, root, releases } = open()
    await target.begin()
    await release(target, 1)
    await target.unpack(2, makeArtifact({ 'a/b': '' }))
    execFileSync('chmod', ['-R', 'a-w', join(releases, '2.partial')])
    mkdirSync(join(releases, '.trash.1.7', 'x'), { recursive: true })
    writeFileSync(join(releases, '3.partial.tar.gz'), '')
    symlinkSync('releases/9', join(root, '.current.1'))
    const { all } = await target.begin()
    expect(all.map(({ number }) => number)).toEqual([1])
    expect(readdirSync(releases)).toEqual(['1'])
    expect(readdirSync(root)).not.toContain('.current.1')
  })

  test('removes releases, but never the current one', async () => {
    const { target, releases } = open()
    await target.begin()
    for (const number of [1, 2, 3]) await release(target, number)
    execFileSync('chmod', ['a-w', join(releases, '1')])
    await target.switch(3)
    await target.remove([1, 2, '7.partial'])
    expect(readdirSync(releases)).toEqual(['3'])
    await expect(target.remove([3])).rejects.toThrow(/cannot remove 3: it is the current release/)
  })

  test('records why a release was withdrawn, until it succeeds', async () => {
    const { target } = open()
    await target.begin()
    await release(target, 1)
    await target.markWithdrawn(1, `it's\n"bad"\t$HOME`)
    expect((await target.list()).all[0]).toMatchObject({ withdrawn: `it's "bad" $HOME`, isVerified: false })
    await target.markSucceeded(1, new Date())
    expect((await target.list()).all[0]).toMatchObject({ withdrawn: undefined, isVerified: true })
  })

  test('reports that its folder cannot be created', async () => {
    const { target } = open(1, '/proc/nothing')
    await expect(target.begin()).rejects.toThrow(/cannot create or write .* as user/)
  })
}

describe('a target on this machine', () => {
  conformance((log, until) => localShell(standaloneRunner(until, log), env))
})

describe('a target over ssh', unless(sshdMissing), () => {
  let sshd: Sshd
  beforeAll(async () => {
    sshd = await startSshd()
  })
  afterAll(() => sshd.stop())
  const shellTo = (runner: ReturnType<typeof standaloneRunner>, own = env) =>
    sshShell(runner, own, { host: sshd.host, options: sshd.ssh, knownHosts: sshd.knownHosts })

  conformance((log, until) => shellTo(standaloneRunner(until, log)))

  test('works without rsync', async () => {
    const tools = temporaryFolder()
    for (const name of ['ssh', 'sh', 'cat'])
      symlinkSync(execFileSync('which', [name], { encoding: 'utf8' }).trim(), join(tools, name))
    const target = new Target(
      shellTo(standaloneRunner(AbortSignal.timeout(20_000)), { ...env, PATH: tools }),
      join(temporaryFolder(), "o'clock"),
      '1',
    )
    await target.begin()
    await target.unpack(1, makeArtifact({ a: 'without rsync\n' }))
    expect(readFileSync(join(target.root, 'releases', '1.partial', 'a'), 'utf8')).toBe('without rsync\n')
    expect(readdirSync(join(target.root, 'releases'))).toEqual(['1.partial'])
  })

  const listWith = (change: Partial<{ host: string; ssh: readonly string[]; knownHosts: string }>) => {
    const { host, ssh, knownHosts } = { ...sshd, ...change }
    const shell = sshShell(standaloneRunner(AbortSignal.timeout(20_000)), env, { host, options: ssh, knownHosts })
    return new Target(shell, '/tmp', '1').list()
  }

  test('reports an unknown host key without prompting', async () => {
    await expect(listWith({ knownHosts: '/dev/null' })).rejects.toThrow(
      /cannot reach .*127\.0\.0\.1 over ssh: .*[Hh]ost key.*; add its key: ssh-keyscan 127\.0\.0\.1/,
    )
  })

  test('reports a refused login without prompting', async () => {
    const other = sshd.ssh.map((option, at) => (sshd.ssh[at - 1] === '-i' ? '/dev/null' : option))
    await expect(listWith({ ssh: other })).rejects.toThrow(/Permission denied.*; give the worker a key/)
  })

  test('reports an unreachable host within seconds', async () => {
    const startedAt = performance.now()
    await expect(listWith({ ssh: ['-p', '1', '-F', '/dev/null'] })).rejects.toThrow(
      /cannot reach .* over ssh: connect to host 127\.0\.0\.1 port 1: Connection refused/,
    )
    expect(performance.now() - startedAt).toBeLessThan(5000)
  })
})
