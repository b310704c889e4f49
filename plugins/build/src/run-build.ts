import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { planBuild } from './build-command.ts'
import { type RunContext, runProgram } from './run-program.ts'

/** Builds a checkout by the commands that are configured, or that fit what it is. */
export async function runBuild(
  folder: string,
  wish: Parameters<typeof planBuild>[1],
  env: Readonly<Record<string, string>>,
  context: RunContext,
): Promise<void> {
  const manifest = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined)
  const { reason, commands } = planBuild({ files: new Set(await readdir(folder)), manifest }, wish)
  context.log(`building ${reason}`)
  for (const command of commands) {
    await runProgram(command, ['/bin/sh', '-c', command], { cwd: folder, env }, context)
  }
}
