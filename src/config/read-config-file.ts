import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { InvalidConfigurationError } from '../errors.ts'
import { configEndings } from './config.ts'

/**
 * The default export of a configuration file, unchecked.
 *
 * @param shown the file as messages name it
 * @throws InvalidConfigurationError where it cannot be read, throws or has no default export
 */
export async function readConfigFile(file: string, shown: string): Promise<unknown> {
  const ending = extname(file).slice(1)
  if (ending === 'json') return readJson(file, shown)
  if ((configEndings as readonly string[]).includes(ending)) return importDefault(file, shown)
  const endings = configEndings.map((known) => `.${known}`).join(', ')
  throw new InvalidConfigurationError(shown, [{ message: `expected a file that ends in one of ${endings}` }])
}

async function readJson(file: string, shown: string): Promise<unknown> {
  const text = await readFile(file, 'utf8')
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new InvalidConfigurationError(shown, [{ message: `expected JSON: ${(error as Error).message}` }], error)
  }
}

async function importDefault(file: string, shown: string): Promise<unknown> {
  // The file imports `@ops-cli/core`, even where nothing is installed.
  const { shareHostModules } = await import('../host-modules.ts')
  shareHostModules()
  const module = await import(pathToFileURL(file).href).catch(async (error: unknown) => {
    throw new InvalidConfigurationError(shown, [{ message: await importProblem(error, file) }], error)
  })
  if (module.default !== undefined) return module.default
  const message =
    'expected a default export: export default defineConfig({ … }), with defineConfig from "@ops-cli/core"'
  throw new InvalidConfigurationError(shown, [{ message }])
}

async function importProblem(error: unknown, file: string): Promise<string> {
  if (!(error instanceof Error)) return `expected a configuration, but the file threw ${String(error)}`
  const line = lineIn(error.stack, file) ?? (error instanceof SyntaxError ? await checkedLine(file) : undefined)
  return `${line === undefined ? '' : `line ${line}: `}${error.name}: ${error.message.trim()}`
}

function lineIn(text: string | undefined, file: string): string | undefined {
  const [, behind] = text?.split(file) ?? []
  return behind?.match(/^:(\d+)/)?.[1]
}

/** Node tells the line of a syntax error only when the process ends because of it. */
async function checkedLine(file: string): Promise<string | undefined> {
  const { stderr } = await promisify(execFile)(process.execPath, ['--check', file]).catch((error) => error)
  return lineIn(stderr, file)
}
