/** The one place that knows what a secret looks like. What ops prints, logs, stores or sends passes here first. */

/** Stands where a secret was. */
export const HIDDEN = '***'

/**
 * A URL as people and logs may see it: without the password in its authority or its query. Of `https` the user goes
 * too, since it is often a token. A text that is no valid URL, or that may hide an unescaped password, loses everything
 * up to its last `@`.
 */
export function redactUrl(url: string): string {
  const end = isPlainUrl(url) ? '[^/?#]*' : '[^]*'
  return url
    .replace(new RegExp(`^((?:git\\+)?https?://)${end}@`, 'i'), '$1')
    .replace(new RegExp(`^([a-z][a-z0-9+.-]*://[^:@/?#]*):${end}@`, 'i'), '$1@')
    .replaceAll(new RegExp(`(?<=[?&])[\\w-]*${NAMES}[\\w-]*=[^&#]*&?`, 'gi'), '')
    .replace(/[?&](?=#|$)/, '')
}

/** Words in the names of secrets: of variables, settings and parameters. */
const NAMES = '(?:passw(?:or)?d|passphrase|secret|token|(?:api|private|access|auth|signing|encryption)[_-]?key)'

const SECRET_NAME = new RegExp(NAMES, 'i')

/** Whether the end of the authority is certain: `https://bot:1/2@host` is valid, with the host `bot` and the port 1. */
function isPlainUrl(url: string): boolean {
  if (!URL.canParse(url)) return false
  const [authority, rest] = [/:\/\/([^/?#]*)/.exec(url)?.[1] ?? '', url.replace(/^[^:]*:\/\/[^/?#]*/, '')]
  return authority.includes('@') || !rest.includes('@') || (!authority.includes(':') && rest.startsWith('/'))
}

/** Whether a variable, a setting or a parameter of this name holds a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) || /_(?:KEY|PWD|PASS)$/.test(name)
}

/** Secrets of this process, wherever they stand. Bounded, since a configuration can be read again and again. */
const known = new Set<string>()

const MAX_KNOWN = 1000

/** From now on, the secrets of an environment or of settings are hidden in every text. */
export function hideSecrets(values: object): void {
  for (const secret of secretsIn(values)) known.add(secret)
  for (const oldest of known) {
    if (known.size <= MAX_KNOWN) break
    known.delete(oldest)
  }
}

/** The values of secret names, and the passwords of URLs, at any depth. */
export function secretsIn(values: object): string[] {
  return Object.entries(values).flatMap(([name, value]): string[] => {
    if (typeof value === 'object' && value !== null) return secretsIn(value)
    if (typeof value !== 'string') return []
    return [...(isSecretName(name) ? [value] : []), ...passwordsOf(value)].filter(isDistinct)
  })
}

function passwordsOf(text: string): string[] {
  const end = isPlainUrl(text) ? '[^/?#]*' : '[^]*'
  const [, user, password] = new RegExp(`^[a-z][a-z0-9+.-]*://([^:@/?#]*):?(${end})@`, 'i').exec(text) ?? []
  const query = text.includes('://') ? text.matchAll(new RegExp(`[?&][\\w-]*${NAMES}[\\w-]*=([^&#]+)`, 'gi')) : []
  const found = [password, /^https?:/i.test(text) ? user : undefined, ...Array.from(query, ([, value]) => value)]
  return found.flatMap((one) => (one ? [one, decoded(one)] : []))
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** A short word would be hidden where it is none: the password "postgres" in every URL. */
function isDistinct(secret: string): boolean {
  return secret.length >= (/^[a-z]+$/i.test(secret) ? 12 : 6)
}

const URLS = /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'`<>]+/gi

const ASSIGNMENTS = new RegExp(
  `([\\w-]*(?:${NAMES}|_KEY|_PWD|_PASS)[\\w-]*)=(?![<$*])("[^"]*"|'[^']*'|[^\\s&;"']+)`,
  'gi',
)

/**
 * A text without the secrets in it: passwords of URLs, values that are assigned to secret names, and known secrets.
 *
 * @param more secrets of this text alone
 */
export function redactText(text: string, more: readonly string[] = []): string {
  let shown = text
  if (shown.includes('://')) shown = shown.replaceAll(URLS, redactUrl)
  if (shown.includes('=')) shown = shown.replaceAll(ASSIGNMENTS, `$1=${HIDDEN}`)
  for (const secret of known) if (shown.includes(secret)) shown = shown.replaceAll(secret, HIDDEN)
  for (const secret of more) if (shown.includes(secret)) shown = shown.replaceAll(secret, HIDDEN)
  return shown
}

/** The same of all texts in a value, such as what is printed as JSON; a text under a secret name is hidden whole. */
export function redactValue<Value>(value: Value): Value {
  if (typeof value === 'string') return redactText(value) as Value
  if (Array.isArray(value)) return value.map((one) => redactValue(one)) as Value
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      typeof one === 'string' && one !== '' && isSecretName(name) ? HIDDEN : redactValue(one),
    ]),
  ) as Value
}

/** An environment without the secrets of ops and without variables whose names or URLs say that they are secret. */
export function withoutSecrets(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name, value]) => name !== 'OPS_DATABASE_URL' && !isSecretName(name) && passwordsOf(value ?? '').length === 0,
    ),
  )
}
