import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { unless } from '../support/unless.ts'

const shop = join(import.meta.dirname, '..', '..', 'examples', 'shop')

let directory: string
let database: Database.Database
let api: ChildProcess
let url: string

/** The table as `ops migrate` creates it, as far as the shop uses it. */
const schema = `
  create table builds (
    id integer primary key autoincrement,
    status text not null default 'pending',
    created_at integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    run_at integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    attempt integer not null default 0,
    started_at integer, finished_at integer, error text, progress real, progress_note text,
    repository text not null, ref text not null default 'HEAD', command text,
    revision text, artifact text, artifact_size integer, artifact_sha256 text
  );
  create table ops_audit (
    id integer primary key, at integer not null, task_table text, task_id any, run_id integer,
    event text not null, from_status text, to_status text, actor text, detail text
  ) strict;
  create trigger audit after insert on builds begin
    insert into ops_audit (at, task_table, task_id, event, to_status) values (1, 'builds', new.id, 'enqueued', new.status);
  end;`

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ops-shop-'))
  database = new Database(join(directory, 'shop.db'))
  database.pragma('journal_mode = WAL')
  database.exec(schema)
  api = spawn(process.execPath, [join(shop, 'api.js')], {
    env: {
      ...process.env,
      PORT: '0',
      OPS_DATABASE_URL: `sqlite:${join(directory, 'shop.db')}`,
      OPS_HOME: directory,
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [line] = await once(api.stdout!, 'data')
  url = String(line).match(/http:\S+/)![0]
})
afterEach(async () => {
  api.kill('SIGKILL')
  if (api.exitCode === null && api.signalCode === null) await once(api, 'exit')
  database.close()
  rmSync(directory, { recursive: true })
})

const post = (body: unknown, type = 'application/json') =>
  fetch(`${url}/builds`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
const json = async (response: Response) => (await response.json()) as { error?: string; audit?: unknown }
const get = async (path: string) => json(await fetch(url + path))

describe('ordering a build', () => {
  it('inserts the order and the task', async () => {
    const response = await post({ repository: '/srv/shop', ref: 'main', command: 'make' })
    expect([response.status, await response.json()]).toEqual([201, { id: 1 }])
    expect(database.prepare('select build_id from orders').all()).toEqual([{ build_id: 1 }])
    expect(await get('/builds')).toEqual([
      expect.objectContaining({ id: 1, status: 'pending', repository: '/srv/shop', ref: 'main', command: 'make' }),
    ])
  })

  it('saves nothing when one of the two inserts fails, and reveals no internals', async () => {
    await post({ repository: 'first' })
    database.exec(`create trigger no_luck before insert on orders begin select raise(abort, 'no luck'); end`)
    const response = await post({ repository: 'second' })
    expect(response.status).toBe(500)
    expect(await response.text()).not.toMatch(/no luck|\.js|SQLITE/)
    expect(database.prepare('select repository from builds').all()).toEqual([{ repository: 'first' }])
  })

  it.each([
    ['{', 'Expected JSON'],
    ['[]', 'Expected a JSON object'],
    [{}, 'Expected "repository" to be a string, got nothing.'],
    [{ repository: ' ' }, 'Expected "repository" to be a string'],
    [{ repository: '--upload-pack=touch x' }, 'not to start with "-"'],
    [{ repository: 'a', ref: 3 }, 'Expected "ref" to be a string, got 3.'],
    [{ repository: 'a', branch: 'b' }, 'Unknown key "branch"'],
  ])('refuses %j', async (body, message) => {
    const response = await post(body)
    expect([response.status, (await json(response)).error]).toEqual([400, expect.stringContaining(message)])
    expect(await get('/builds')).toEqual([])
  })

  it('refuses requests that a form of another site could send', async () => {
    expect((await post('{"repository":"a"}', 'text/plain')).status).toBe(415)
  })
})

describe('a build', () => {
  it('has a history', async () => {
    await post({ repository: '/srv/shop' })
    expect((await get('/builds/1')).audit).toEqual([
      expect.objectContaining({ event: 'enqueued', to_status: 'pending' }),
    ])
    expect((await fetch(`${url}/builds/2`)).status).toBe(404)
  })

  it('has the log of its latest attempt', async () => {
    const logs = join(directory, 'logs', 'builds')
    mkdirSync(logs, { recursive: true })
    for (const [name, text] of Object.entries({ '1.2': 'second', '1.10': 'tenth', '11.99': 'another' })) {
      writeFileSync(join(logs, `${name}.log`), text)
    }
    expect(await (await fetch(`${url}/builds/1/log`)).text()).toBe('tenth')
    expect((await fetch(`${url}/builds/2/log`)).status).toBe(404)
    expect((await fetch(`${url}/builds/..%2f..%2fshop/log`)).status).toBe(404)
  })
})

it('notifies listeners of changes by other programs', async () => {
  const { body } = await fetch(`${url}/events`)
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
  let heard = ''
  const hears = async (text: string) => {
    while (!heard.includes(text)) {
      const { value, done } = await reader.read()
      if (done) throw new Error(`the events ended after: ${heard}`)
      heard += value
    }
  }
  await hears('data: []\n\n')
  database.prepare("insert into builds (repository) values ('by-sql')").run()
  await hears('"repository":"by-sql"')
  await post({ repository: 'by-http' })
  await hears('"repository":"by-http"')
  await reader.cancel()
})

it('says what to do without a table', async () => {
  database.exec('drop table builds')
  const response = await post({ repository: 'a' })
  expect([response.status, (await json(response)).error]).toEqual([503, expect.stringContaining('ops migrate')])
})

it('stops cleanly on SIGTERM, also with listeners', async () => {
  const { body } = await fetch(`${url}/events`)
  api.kill('SIGTERM')
  const [status] = await once(api, 'exit')
  expect(status).toBe(0)
  await body!.cancel().catch(() => {})
})

const chromium = ['chromium', 'chromium-browser', 'google-chrome'].find((name) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => isProgram(join(folder, name))),
)

describe('the page', unless(chromium === undefined ? 'Chromium is not installed' : undefined), () => {
  it('shows the builds with their status', async () => {
    database.exec(`
      insert into builds (repository, ref) values ('/srv/<b>shop</b>', 'main');
      insert into builds (repository, status, started_at, finished_at, error, revision)
        values ('/srv/api', 'failed', 1000, 3500, 'no space left', '0123456789abcdef');
      insert into builds (repository, status, started_at, progress, progress_note)
        values ('/srv/web', 'ongoing', 1000, 0.4, 'linking')`)
    const dom = await pageDom()
    const rows = dom.split('<li ').slice(1).map(textOf)
    expect(rows).toEqual([
      expect.stringMatching(/#3 ongoing \/srv\/web HEAD .*40 % · linking/),
      expect.stringMatching(/#2 failed \/srv\/api HEAD 0123456 2\.5 s .*no space left/),
      expect.stringMatching(/#1 pending \/srv\/&lt;b&gt;shop&lt;\/b&gt; main/),
    ])
    expect(dom).toContain('aria-valuenow="40"')
  })
})

async function pageDom(): Promise<string> {
  const profile = join(directory, 'chromium')
  const quiet = ['gpu', 'quic', 'background-networking', 'component-update', 'sync'].map((name) => `--disable-${name}`)
  const { stdout } = await promisify(execFile)(chromium!, [
    '--headless',
    '--no-sandbox',
    '--no-first-run',
    ...quiet,
    `--user-data-dir=${profile}`,
    '--dump-dom',
    `${url}/`,
  ])
  return stdout.slice(stdout.indexOf('<ol'), stdout.indexOf('</ol>'))
}

/** The words of a piece of HTML, without its tags. */
function textOf(html: string): string {
  return html
    .slice(html.indexOf('>') + 1)
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
}

function isProgram(file: string): boolean {
  try {
    execFileSync('test', ['-x', file])
    return true
  } catch {
    return false
  }
}
