/** What is wrong with a request, in words for whoever made it. */
export class RequestError extends Error {
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

const mostBytes = 64 * 1024

/** Reads `{ repository, ref?, command? }` from a request; throws a RequestError that says what was expected. */
export async function readBuildRequest(request) {
  // A page of another site can post forms without asking, but not JSON; what runs commands must not be theirs to start.
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
    throw new RequestError(415, 'Expected a body of the type application/json.')
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
    if (body.length > mostBytes) throw new RequestError(413, `Expected a body of at most ${mostBytes} bytes.`)
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
  throw new RequestError(400, 'Expected a JSON object with "repository", and "ref" and "command" if you like.')
}

function text(key, value) {
  if (typeof value !== 'string' || value.trim() === '') {
    throw new RequestError(
      400,
      `Expected "${key}" to be a text, got ${value === undefined ? 'nothing' : JSON.stringify(value)}.`,
    )
  }
  if (value.length > 2000 || /[\0\r\n]/.test(value)) {
    throw new RequestError(400, `Expected "${key}" to be one line of at most 2000 characters.`)
  }
  // Git would take it for an option.
  if (key !== 'command' && value.trim().startsWith('-')) {
    throw new RequestError(400, `Expected "${key}" not to begin with "-", got ${JSON.stringify(value)}.`)
  }
  return value.trim()
}
