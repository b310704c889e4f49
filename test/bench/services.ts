/**
 * `node test/bench/services.ts [rounds]`: `ops start-services` beside concurrently, node-foreman and mprocs, in the same
 * harness: the effect of Ctrl-C, a kill, a closed window and a failure; the time until services are up; lines a second.
 */

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { endGroups, groupsWithEnvironment } from '../../src/platform/process-group.ts'
import { Terminal } from '../support/terminal.ts'
import { median, print } from './interleave.ts'

const rounds = Number(process.argv[2] ?? 5)
const root = join(import.meta.dirname, '..', '..')
const bin = (name: string) => join(root, 'node_modules', '.bin', name)

type Commands = Readonly<Record<string, string>>

interface Manager {
  readonly name: string
  /** Writes its configuration to the folder. */
  readonly argv: (commands: Commands, folder: string) => string[]
  /** The keys that stop it. */
  readonly stopKeys: string
  /** Whether it prints lines. */
  readonly hasLines: boolean
}

const ctrlC = '\x03'

const managers: readonly Manager[] = [
  {
    name: 'ops',
    argv(commands, folder) {
      const services = Object.fromEntries(
        Object.entries(commands).map(([name, command]) => [name, { command, restart: 'never' }]),
      )
      writeFileSync(join(folder, 'ops.config.json'), JSON.stringify({ services }))
      return [process.execPath, join(root, 'bin', 'run.js'), 'start-services', ...Object.keys(commands)]
    },
    stopKeys: ctrlC,
    hasLines: true,
  },
  {
    name: 'concurrently -k',
    argv: (commands) => [
      bin('concurrently'),
      '--kill-others-on-fail',
      '--names',
      Object.keys(commands).join(),
      ...Object.values(commands),
    ],
    stopKeys: ctrlC,
    hasLines: true,
  },
  {
    name: 'node-foreman',
    argv(commands, folder) {
      writeFileSync(join(folder, 'Procfile'), procfile(commands, folder))
      return [bin('nf'), 'start']
    },
    stopKeys: ctrlC,
    hasLines: true,
  },
  {
    name: 'mprocs',
    argv(commands, folder) {
      const procs = Object.fromEntries(Object.entries(commands).map(([name, shell]) => [name, { shell }]))
      writeFileSync(join(folder, 'mprocs.yaml'), JSON.stringify({ procs }))
      return [bin('mprocs')]
    },
    // It passes Ctrl-C to the program on screen.
    stopKeys: 'q',
    hasLines: false,
  },
]

/** A Procfile has one line per service, so longer ones are scripts. */
function procfile(commands: Commands, folder: string): string {
  return Object.entries(commands)
    .map(([name, command]) => {
      writeFileSync(join(folder, `${name}.sh`), command)
      return `${name}: sh ${name}.sh\n`
    })
    .join('')
}

/** As typed in a shell, which survives when the program is killed. */
const fromShell = `echo $$ > shell.pid; trap : INT
sh -c 'echo $$ > manager.pid; exec "$@"' sh "$@"
status=$?; [ $status = 137 ] && read line; exit $status`

/** A process manager on a terminal. */
class Trial {
  readonly folder = mkdtempSync(join(tmpdir(), 'ops-bench-'))
  readonly terminal: Terminal
  readonly #mark = `BENCH_FOLDER=${this.folder}`

  constructor({ argv }: Manager, commands: Commands) {
    const env = { ...process.env, BENCH_FOLDER: this.folder, NO_UPDATE_NOTIFIER: '1' }
    const own = argv(commands, this.folder)
    this.terminal = new Terminal(['sh', '-c', fromShell, 'sh', ...own], { cwd: this.folder, env })
  }

  get managerPid(): number {
    return Number(this.read('manager.pid'))
  }

  get #shellPid(): number {
    return Number(this.read('shell.pid'))
  }

  async has(...files: string[]): Promise<void> {
    const deadline = performance.now() + 20_000
    while (!files.every((file) => existsSync(join(this.folder, file)))) {
      if (performance.now() > deadline) throw new Error(`no ${files} in ${readdirSync(this.folder)}`)
      await sleep(5)
    }
  }

  read(file: string): string {
    return existsSync(join(this.folder, file)) ? readFileSync(join(this.folder, file), 'utf8').trim() : ''
  }

  /** How it ended, or that it is still running. */
  exitWithin(milliseconds: number): Promise<number | 'goes on'> {
    return Promise.race([this.terminal.exit, sleep(milliseconds, 'goes on' as const)])
  }

  /** Running processes of services. */
  get left(): number {
    return readdirSync('/proc').filter(
      (pid) => ![this.managerPid, this.#shellPid].includes(Number(pid)) && isOfService(pid, this.#mark),
    ).length
  }

  async end(): Promise<void> {
    this.terminal.close()
    await endGroups(groupsWithEnvironment(this.#mark), 100)
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Services are shells and their children. */
function isOfService(pid: string, mark: string): boolean {
  try {
    const isMarked = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark)
    return isMarked && /^(sh|dash|bash|sleep|seq)$/.test(readFileSync(`/proc/${pid}/comm`, 'utf8').trim())
  } catch {
    return false
  }
}

/** Records each signal, needs a second to stop, and prints a last line without a newline. */
const careful = `for s in INT TERM HUP; do trap "echo $s >> signals; ending=1" $s; done
touch careful.up
while [ -z "$ending" ]; do sleep 0.05; done
sleep 1; touch careful.ended; printf "last words of careful"`
const withChild = 'sleep 600 & touch child.up; wait'
const twoServices = { careful, child: withChild }

async function ctrlCOnce(manager: Manager) {
  const trial = new Trial(manager, twoServices)
  await trial.has('careful.up', 'child.up')
  await sleep(500)
  trial.terminal.press(manager.stopKeys)
  const status = await trial.exitWithin(8000)
  const facts = {
    'signals for one Ctrl-C': trial.read('signals').replaceAll('\n', ' ') || 'none',
    'its end is awaited': existsSync(join(trial.folder, 'careful.ended')) ? 'yes' : 'no',
    'last words shown': trial.terminal.output.includes('last words of careful') ? 'yes' : 'lost',
    'status after Ctrl-C': status,
    'processes left after it': trial.left,
  }
  await trial.end()
  return facts
}

async function killed(manager: Manager) {
  const trial = new Trial(manager, twoServices)
  await trial.has('careful.up', 'child.up')
  await sleep(500)
  process.kill(trial.managerPid, 'SIGKILL')
  await sleep(3000)
  const facts = { 'processes left 3 s after kill -9': trial.left }
  await trial.end()
  return facts
}

async function windowClosed(manager: Manager) {
  const trial = new Trial(manager, twoServices)
  await trial.has('careful.up', 'child.up')
  await sleep(500)
  trial.terminal.close()
  await sleep(3000)
  const facts = {
    'processes left 3 s after the window is closed': trial.left,
    'signals for a closed window': trial.read('signals').replaceAll('\n', ' ') || 'none',
  }
  await trial.end()
  return facts
}

async function failing(manager: Manager) {
  const trial = new Trial(manager, { failing: 'sleep 0.5; printf "last words of failing"; exit 7', child: withChild })
  const status = await trial.exitWithin(8000)
  const facts = {
    'status when a service exits with 7': status,
    'its last words shown': trial.terminal.output.includes('last words of failing') ? 'yes' : 'lost',
    'processes left after a failure': status === 'goes on' ? '-' : trial.left,
  }
  await trial.end()
  return facts
}

/** Milliseconds until five services are up, one of which takes 300 ms. */
async function startUp(manager: Manager): Promise<number> {
  const names = ['one', 'two', 'three', 'four']
  const quick = Object.fromEntries(names.map((name) => [name, `touch ${name}.up; sleep 600`]))
  const startedAt = performance.now()
  const trial = new Trial(manager, { slow: 'sleep 0.3; touch slow.up; sleep 600', ...quick })
  await trial.has('slow.up', ...names.map((name) => `${name}.up`))
  const took = performance.now() - startedAt
  await trial.end()
  return took
}

async function flood({ argv }: Manager) {
  const folder = mkdtempSync(join(tmpdir(), 'ops-bench-'))
  const [each, names] = [100_000, ['one', 'two', 'three', 'four']]
  const commands = Object.fromEntries(names.map((name) => [name, `seq -f "${name} says %.0f of many" ${each}`]))
  const [file, ...args] = argv(commands, folder)
  const child = spawn(file!, args, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'], detached: true })
  const chunks: string[] = []
  const startedAt = performance.now()
  let lastAt = startedAt
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    chunks.push(chunk)
    lastAt = performance.now()
  })
  // Not all of them end with their services.
  while (child.exitCode === null && performance.now() - lastAt < 3000) await sleep(20)
  await endGroups([child.pid!], 1000)
  rmSync(folder, { recursive: true, force: true })
  const whole = stripVTControlCharacters(chunks.join('')).match(
    /^(?!.*says.*says).*(?:one|two|three|four) says \d+ of many$/gm,
  )
  const lines = each * names.length
  return { perSecond: lines / ((lastAt - startedAt) / 1000), lost: lines - (whole?.length ?? 0) }
}

const table: Record<string, Record<string, unknown>> = {}
for (const manager of managers) {
  console.error(manager.name)
  const facts = {
    ...(await ctrlCOnce(manager)),
    ...(await killed(manager)),
    ...(await windowClosed(manager)),
    ...(await failing(manager)),
  }
  for (const [fact, value] of Object.entries(facts)) table[fact] = { ...table[fact], [manager.name]: value }
}
print(
  'What becomes of services',
  Object.entries(table).map(([fact, values]) => ({ '': fact, ...values })),
)

const figures = managers.map(() => ({ up: [] as number[], lines: [] as number[], lost: 0 }))
for (let round = 0; round < rounds; round += 1) {
  for (const [index, manager] of managers.entries()) {
    const own = figures[index]!
    own.up.push(await startUp(manager))
    if (!manager.hasLines) continue
    const { perSecond, lost } = await flood(manager)
    own.lines.push(perSecond)
    own.lost += lost
  }
}
print(
  `Five services, the slowest needs 300 ms; 400,000 lines of four services; medians of ${rounds}`,
  managers.map(({ name, hasLines }, index) => ({
    manager: name,
    'all are up after ms': median(figures[index]!.up),
    'lines a second': hasLines ? median(figures[index]!.lines) : '-',
    'lost or torn, of all': hasLines ? figures[index]!.lost : '-',
  })),
)
