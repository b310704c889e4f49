import { readFile } from 'node:fs/promises'
import { parse as parseEnvFile } from 'dotenv'
import type { PlannedService } from './planned-service.ts'
import { EnvFileMissingError } from './service-errors.ts'

/** The environment of a service: what all of them get, its files in their order, its own variables, its port. */
export async function serviceEnvironment(
  { name, env, envFiles, port }: PlannedService,
  shared: NodeJS.ProcessEnv,
): Promise<Record<string, string>> {
  const files = await Promise.all(
    envFiles.map((file) =>
      readFile(file, 'utf8').catch((error: unknown) => {
        throw new EnvFileMissingError(name, file, error)
      }),
    ),
  )
  const merged = { ...shared, ...Object.assign({}, ...files.map((text) => parseEnvFile(text))), ...env }
  return port === undefined ? merged : { ...merged, PORT: String(port) }
}

/** What tells programs behind a pipe that their colours will be seen. */
export function colourEnvironment(env: NodeJS.ProcessEnv, colourDepth: number): Record<string, string> {
  // Node warns where both are set, and NO_COLOR is what the user asked for.
  if (env.NO_COLOR !== undefined || env.FORCE_COLOR !== undefined || colourDepth <= 1) return {}
  return { FORCE_COLOR: colourDepth >= 24 ? '3' : colourDepth >= 8 ? '2' : '1' }
}
