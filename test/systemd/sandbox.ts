import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { until } from '../support/until.ts'

/**
 * Where the sandbox has this checkout and this Node: hardened units look neither into homes nor at temporary files. The
 * space is there for units and shells to trip over.
 */
const place = '/usr/local/lib/ops tests'

export const inside = {
  node: `${place}/bin/node`,
  ops: `${place}/checkout/bin/run.js`,
  probePlugin: `${place}/checkout/test/fixtures/plugin-probe`,
} as const

const root = dirname(dirname(import.meta.dirname))

const namespaces = ['--mount', '--pid', '--cgroup', '--ipc', '--uts', '--net']

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

const problem = whyNot()

/** Why no systemd can be booted here; undefined where one can. */
export const sandboxMissing = problem === undefined ? undefined : `no systemd can be booted here: ${problem}`

function whyNot(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux'
  if (process.getuid?.() !== 0) return 'it needs root'
  const needed = ['/usr/bin/unshare', '/usr/bin/nsenter', '/lib/systemd/systemd', '/usr/bin/dbus-daemon']
  const missing = needed.find((path) => !existsSync(path))
  if (missing !== undefined) return `there is no ${missing}`
  if (![root, process.execPath].every((path) => (statSync(path).mode & 5) === 5))
    return 'other users may not read the checkout, or not run this node'
  // As in the namespace of a user who is root there, and nobody else.
  if (/^\s*0\s+\d+\s+1$/.test(readFileSync('/proc/self/uid_map', 'utf8').trimEnd())) return 'there are no other users'
  if (cgroupTrees().length === 0) return 'there are no control groups that can be written'
  const { status, stderr } = spawnSync('unshare', [...namespaces, '--fork', 'true'], { encoding: 'utf8' })
  return status === 0 ? undefined : `there are no namespaces: ${stderr.trim()}`
}

function cgroupTrees(): string[] {
  const trees = ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified', '/sys/fs/cgroup']
  return trees.filter((tree) => isWritable(join(tree, 'cgroup.procs')))
}

function isWritable(path: string): boolean {
  try {
    // Also for root not where it is mounted to be read only, as in most containers.
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

export interface Said {
  readonly exitCode: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** A machine of its own with a real systemd, for the tests of one file. Nothing of it is left behind. */
export class Sandbox {
  readonly #unshare: ChildProcess
  readonly #cgroups: readonly string[]
  readonly #init: number

  private constructor(unshare: ChildProcess, cgroups: readonly string[], init: number) {
    this.#unshare = unshare
    this.#cgroups = cgroups
    this.#init = init
  }

  static async boot(): Promise<Sandbox> {
    const cgroups = cgroupTrees().map((tree) => join(tree, `ops-sandbox-${randomUUID()}`))
    for (const cgroup of cgroups) mkdirSync(cgroup, { recursive: true })
    // The shell enters the control groups first, so that the namespace of control groups begins there.
    const enter = `
      until [[ $1 == -- ]]; do echo $$ >"$1/cgroup.procs" || true; shift; done; shift
      exec unshare ${namespaces.join(' ')} --fork --kill-child --mount-proc bash "$@"`
    const boot = [join(import.meta.dirname, 'boot.sh'), place, root, process.execPath, realpathSync(tmpdir())]
    const unshare = spawn('bash', ['-c', enter, 'bash', ...cgroups, '--', ...boot], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH },
    })
    let said = ''
    unshare.on('error', ({ message }) => {
      said += message
    })
    unshare.stderr!.setEncoding('utf8').on('data', (text) => {
      said += text
    })
    const children = () => readFileSync(`/proc/${unshare.pid}/task/${unshare.pid}/children`, 'utf8').trim()
    await until(() => {
      if (unshare.exitCode !== null) throw new Error(`the sandbox has ended: ${said}`)
      return children() !== ''
    }, 'the sandbox has a first process')
    const sandbox = new Sandbox(unshare, cgroups, Number(children().split(' ')[0]))
    await until(
      async () => {
        if (unshare.exitCode !== null) throw new Error(`the sandbox has ended: ${said}`)
        const { stdout } = await sandbox.run('systemctl', 'is-active', 'multi-user.target')
        return stdout === 'active'
      },
      'systemd has booted',
      30_000,
    )
    return sandbox
  }

  /** Runs a program inside to its end. */
  async run(program: string, ...args: string[]): Promise<Said> {
    return this.runWith({}, program, ...args)
  }

  async runWith(
    { env = {}, cwd = '/' }: { env?: Record<string, string | undefined>; cwd?: string },
    program: string,
    ...args: string[]
  ): Promise<Said> {
    const enter = ['--target', String(this.#init), ...namespaces, 'env', '-C', cwd]
    const { exitCode, stdout, stderr } = await execa('nsenter', [...enter, program, ...args], {
      reject: false,
      stdin: 'ignore',
      extendEnv: false,
      env: { PATH, HOME: '/root', ...env },
    })
    return { exitCode, stdout, stderr }
  }

  /** The same in a shell; what it prints. */
  async shell(script: string): Promise<string> {
    return (await this.run('sh', '-c', script)).stdout
  }

  async read(path: string): Promise<string> {
    return (await this.run('cat', path)).stdout
  }

  async write(path: string, text: string): Promise<void> {
    const handed = join(realpathSync(tmpdir()), `ops-handed-${randomUUID()}`)
    writeFileSync(handed, text)
    await this.shell(`mkdir -p "$(dirname '${path}')" && cp '${handed}' '${path}' && rm '${handed}'`)
  }

  /** Lets users log in, and their own systemds run, which most tests do without. */
  async startLogins(): Promise<void> {
    await this.shell(
      'rm /etc/systemd/system/systemd-logind.service && systemctl daemon-reload && systemctl start systemd-logind',
    )
  }

  /** A property of a unit, as systemctl shows it. */
  async property(unit: string, name: string): Promise<string> {
    return (await this.run('systemctl', 'show', '--value', `--property=${name}`, unit)).stdout
  }

  async close(): Promise<void> {
    process.kill(this.#init, 'SIGKILL')
    await new Promise((resolve) => (this.#unshare.exitCode === null ? this.#unshare.once('exit', resolve) : resolve(0)))
    for (const cgroup of this.#cgroups) await removeTree(cgroup)
  }
}

/** A control group goes when its processes are gone, the inner ones first. */
async function removeTree(cgroup: string): Promise<void> {
  for (const { name, parentPath } of readdirSync(cgroup, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .toReversed()
    .sort((a, b) => b.parentPath.length - a.parentPath.length)) {
    remove(join(parentPath, name))
  }
  remove(cgroup)
}

function remove(cgroup: string): void {
  try {
    rmdirSync(cgroup)
  } catch {
    // Something in it still ends; the next run has a name of its own.
  }
}
