import { readFile } from 'node:fs/promises'
import { parse } from 'dotenv'
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
  const merged = { ...shared, ...Object.assign({}, ...files.map((text) => parse(text))), ...env }
  return port === undefined ? merged : { ...merged, PORT: String(port) }
}

/** Variables that make programs print colours although they write to a pipe. */
export function colourEnvironment(env: NodeJS.ProcessEnv, colourDepth: number): Record<string, string> {
  // Node warns when both are set, and NO_COLOR is the user's choice.
  if (env.NO_COLOR !== undefined || env.FORCE_COLOR !== undefined || colourDepth <= 1) return {}
  return { FORCE_COLOR: colourDepth >= 24 ? '3' : colourDepth >= 8 ? '2' : '1' }
}
