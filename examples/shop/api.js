import { createReadStream } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { RequestError, readBuildRequest } from './build-request.js'
import { LiveBuilds } from './live-builds.js'
import { Store } from './store.js'

const project = import.meta.dirname
const stateDirectory = process.env.OPS_HOME || process.env.STATE_DIRECTORY?.split(':')[0] || join(project, '.ops')

const store = new Store()
const live = new LiveBuilds(store)

const routes = [
  ['GET', /^\/$/, page],
  ['GET', /^\/health$/, (_, response) => json(response, 200, { status: 'ok' })],
  ['GET', /^\/events$/, (_, response) => live.add(response)],
  ['GET', /^\/builds$/, (_, response) => json(response, 200, store.builds())],
  ['POST', /^\/builds$/, order],
  ['GET', /^\/builds\/(\d{1,15})$/, show],
  ['GET', /^\/builds\/(\d{1,15})\/log$/, log],
]

async function order(request, response) {
  const wanted = await readBuildRequest(request)
  const id = store.orderBuild({ ...wanted, orderedBy: request.socket.remoteAddress ?? 'unknown' })
  json(response, 201, { id }, { location: `/builds/${id}` })
}

function show(_, response, id) {
  const build = store.build(Number(id))
  if (build === undefined) throw new RequestError(404, `Build ${id} not found.`)
  json(response, 200, build)
}

/** The log of the latest attempt. The id consists of digits, so it cannot contain a path. */
async function log(_, response, id) {
  const directory = join(stateDirectory, 'logs', 'builds')
  const names = await readdir(directory).catch(() => [])
  const attempts = names
    .flatMap((name) => name.match(new RegExp(`^${Number(id)}\\.(\\d+)\\.log$`))?.[1] ?? [])
    .map(Number)
  if (attempts.length === 0) throw new RequestError(404, `Build ${id} has no log yet.`)
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', ...safely })
  await pipeline(createReadStream(join(directory, `${Number(id)}.${Math.max(...attempts)}.log`)), response)
}

/** The page contains the builds, so it is complete at once; events keep it up to date. */
async function page(_, response) {
  const html = await readFile(join(project, 'page.html'), 'utf8')
  const builds = JSON.stringify(buildsOrNone()).replaceAll('<', '\\u003c')
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy':
      "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    ...safely,
  })
  response.end(html.replace('"{{builds}}"', () => builds))
}

function buildsOrNone() {
  try {
    return store.builds()
  } catch {
    return []
  }
}

const safely = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' }

function json(response, status, value, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...safely, ...headers })
  response.end(`${JSON.stringify(value)}\n`)
}

async function answer(request, response) {
  const path = request.url.split('?')[0]
  const here = routes.filter(([, pattern]) => pattern.test(path))
  const [, pattern, respond] = here.find(([method]) => method === request.method) ?? []
  try {
    if (respond !== undefined) return await respond(request, response, path.match(pattern)[1])
    if (here.length === 0) throw new RequestError(404, `${path} not found.`)
    throw new RequestError(
      405,
      `${path} does not support ${request.method}; use ${here.map(([method]) => method).join(' or ')}.`,
    )
  } catch (error) {
    sendError(response, error)
  }
}

/** Tells the client what to do, and no internals. */
function sendError(response, error) {
  if (response.headersSent) return response.destroy()
  if (error instanceof RequestError) return json(response, error.status, { error: error.message })
  console.error(error)
  if (/no such table|unable to open database/.test(error.message) || error.code === 'SQLITE_CANTOPEN') {
    return json(response, 503, { error: 'The database does not exist yet; create it: ops migrate' })
  }
  json(response, 500, { error: 'Internal error. Nothing was saved; see the log of the api.' })
}

const server = createServer(answer)
server.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1', () => {
  console.log(`Listening on http://localhost:${server.address().port}`)
})

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    live.close()
    server.close(() => store.close())
    server.closeIdleConnections()
  })
}
