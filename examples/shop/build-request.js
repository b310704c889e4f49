/** A problem with a request, worded for the client. */
export class RequestError extends Error {
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

const MAX_BYTES = 64 * 1024

/** Reads `{ repository, ref?, command? }` from a request. Throws RequestError. */
export async function readBuildRequest(request) {
  // Pages of other sites can post forms without permission, but not JSON. They must not be able to run commands.
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
    throw new RequestError(415, 'Expected content-type application/json.')
  }
  const { repository, ref, command, ...others } = parse(await read(request))
  const [unknown] = Object.keys(others)
  if (unknown !== undefined)
    throw new RequestError(400, `Unknown key "${unknown}"; expected repository, ref and command.`)
  return {
    repository: text('repository', repository),
    ref: ref === undefined || ref === '' ? 'HEAD' : text('ref', ref),
    command: command === undefined || command === null || command === '' ? null : text('command', command),
  }
}

async function read(request) {
  let body = ''
  request.setEncoding('utf8')
  for await (const chunk of request) {
    body += chunk
    if (body.length > MAX_BYTES) throw new RequestError(413, `Expected a body of at most ${MAX_BYTES} bytes.`)
  }
  return body
}

function parse(body) {
  let value
  try {
    value = JSON.parse(body)
  } catch {
    throw new RequestError(400, 'Expected JSON: { "repository": "…", "ref": "HEAD", "command": "npm run build" }.')
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new RequestError(400, 'Expected a JSON object with "repository", optionally "ref" and "command".')
}

function text(key, value) {
  if (typeof value !== 'string' || value.trim() === '') {
    throw new RequestError(
      400,
      `Expected "${key}" to be a string, got ${value === undefined ? 'nothing' : JSON.stringify(value)}.`,
    )
  }
  if (value.length > 2000 || /[\0\r\n]/.test(value)) {
    throw new RequestError(400, `Expected "${key}" to be one line of at most 2000 characters.`)
  }
  // git would parse it as an option.
  if (key !== 'command' && value.trim().startsWith('-')) {
    throw new RequestError(400, `Expected "${key}" not to start with "-", got ${JSON.stringify(value)}.`)
  }
  return value.trim()
}
