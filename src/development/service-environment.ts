import { readFile } from 'node:fs/promises'
import { exitStatus, OpsError } from '../errors.ts'
import { type PlannedService, serviceOf } from './planned-service.ts'

/**
 * The environment of a service: the shared variables, its files in order, its own variables, its port.
 *
 * @throws OpsError ENV_FILE_MISSING
 */
export async function serviceEnvironment(
  { name, env, envFiles, port }: PlannedService,
  shared: NodeJS.ProcessEnv,
): Promise<Record<string, string>> {
  const files = await Promise.all(
    envFiles.map((file) =>
      readFile(file, 'utf8').catch((error: unknown) => {
        const where = `services.${serviceOf(name)}.envFile`
        throw new OpsError('ENV_FILE_MISSING', `Cannot start "${name}": cannot read its envFile "${file}".`, {
          where,
          cause: error,
          exit: exitStatus.configuration,
          suggestions: [`create the file, or remove it from ${where}`],
        })
      }),
    ),
  )
  const merged = { ...shared, ...Object.assign({}, ...files.map((text) => parseEnvFile(text))), ...env }
  return port === undefined ? merged : { ...merged, PORT: String(port) }
}

/** Variables that make programs print colours although they write to a pipe. */
export function colourEnvironment(env: NodeJS.ProcessEnv, colourDepth: number): Record<string, string> {
  // Node warns when both are set, and NO_COLOR is the user's choice.
  if (env.NO_COLOR !== undefined || env.FORCE_COLOR !== undefined || colourDepth <= 1) return {}
  return { FORCE_COLOR: colourDepth >= 24 ? '3' : colourDepth >= 8 ? '2' : '1' }
}

/** A name, `=` or `:`, then a value: in one of three quotes, possibly over several lines, or up to a comment. */
const ASSIGNMENT =
  /^[ \t]*(?:export[ \t]+)?([\w.-]+)(?:[ \t]*=|:[ \t]+)[ \t]*('(?:\\'|[^'])*'|"(?:\\"|[^"])*"|`(?:\\`|[^`])*`|[^#\n]*)?[ \t]*(?:#.*)?$/gm

/**
 * Parses an environment file by the rules of dotenv. Node's `parseEnv` agrees on most files, but truncates `"it\"s"`,
 * ignores `NAME: value`, keeps `\r`, and treats a byte order mark as part of a name.
 */
export function parseEnvFile(text: string): Record<string, string> {
  const clean = text.replace(/^\uFEFF/, '').replaceAll(/\r\n?/g, '\n')
  return Object.fromEntries(
    [...clean.matchAll(ASSIGNMENT)].map(([, name, value = '']) => [name!, unquoted(value.trim())]),
  )
}

function unquoted(value: string): string {
  const quote = value[0]
  if (value.length < 2 || value.at(-1) !== quote || !`'"\``.includes(quote!)) return value
  const inside = value.slice(1, -1)
  return quote === '"' ? inside.replaceAll('\\n', '\n').replaceAll('\\r', '\r') : inside
}
