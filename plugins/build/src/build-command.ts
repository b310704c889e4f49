import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TaskError } from '@ops-cli/core'
import { type RunContext, runProgram } from './run-program.ts'

/** The parts of a checkout by which its build command is detected. */
export interface SourceTree {
  /** The names in its top folder. */
  readonly files: ReadonlySet<string>
  /** The text of its package.json. */
  readonly manifest: string | undefined
}

export interface BuildPlan {
  /** Why these commands, for the log. */
  readonly reason: string
  /** For a shell, in this order. */
  readonly commands: readonly string[]
}

interface BuildOptions {
  readonly command?: string | null | undefined
  readonly install?: boolean | undefined
}

/**
 * Decides how a checkout is built. A given command runs alone, unless the settings ask to install dependencies first.
 *
 * @throws TaskError when no command is given and none is detected
 */
export function planBuild(source: SourceTree, { command, install }: BuildOptions): BuildPlan {
  if (command)
    return { reason: 'as configured', commands: [...(install === true ? installation(source) : []), command] }
  const system = buildSystems.find(({ matches }) => matches(source))
  if (!system) {
    const markers = buildSystems.map(({ marker }) => marker).join(', ')
    throw new TaskError(
      `no build command, and none detected: found no ${markers}; set "command" of the task or "plugins.build.command" of the configuration`,
    )
  }
  return {
    reason: `found ${system.marker}`,
    commands: [...(install === false ? [] : (system.install?.(source) ?? [])), ...system.build(source)],
  }
}

interface BuildSystem {
  readonly marker: string
  matches(source: SourceTree): boolean
  install?(source: SourceTree): readonly string[]
  build(source: SourceTree): readonly string[]
}

const has =
  (...names: string[]) =>
  ({ files }: SourceTree) =>
    names.some((name) => files.has(name))

/** The first match wins. package.json comes first: many repositories have a Makefile beside it for convenience. */
const buildSystems: readonly BuildSystem[] = [
  {
    marker: 'package.json with a "build" script',
    matches: (source) => packageJson(source)?.scripts?.build !== undefined,
    install: installation,
    build: (source) => [`${packageManager(source)} run build`],
  },
  { marker: 'Makefile', matches: has('Makefile', 'makefile', 'GNUmakefile'), build: () => ['make'] },
  { marker: 'Cargo.toml', matches: has('Cargo.toml'), build: () => ['cargo build --release'] },
  { marker: 'go.mod', matches: has('go.mod'), build: () => ['go build ./...'] },
  {
    marker: 'pom.xml',
    matches: has('pom.xml'),
    build: ({ files }) => [`${files.has('mvnw') ? './mvnw' : 'mvn'} -q package`],
  },
  {
    marker: 'build.gradle',
    matches: has('build.gradle', 'build.gradle.kts'),
    build: ({ files }) => [`${files.has('gradlew') ? './gradlew' : 'gradle'} build`],
  },
  {
    marker: 'pyproject.toml',
    matches: has('pyproject.toml', 'setup.py'),
    build: () => ['python3 -m pip wheel --no-deps --wheel-dir dist .'],
  },
  {
    marker: 'CMakeLists.txt',
    matches: has('CMakeLists.txt'),
    build: () => ['cmake -S . -B build', 'cmake --build build'],
  },
]

const installCommands: Readonly<Record<PackageManager, (source: SourceTree) => string>> = {
  npm: ({ files }) =>
    files.has('package-lock.json') || files.has('npm-shrinkwrap.json') ? 'npm ci' : 'npm install --no-audit --no-fund',
  pnpm: () => 'pnpm install --frozen-lockfile',
  // The flag has another name since Yarn 2, which has a configuration file of its own.
  yarn: ({ files }) => (files.has('.yarnrc.yml') ? 'yarn install --immutable' : 'yarn install --frozen-lockfile'),
  bun: () => 'bun install --frozen-lockfile',
}

type PackageManager = 'npm' | 'pnpm' | 'yarn' | 'bun'

function installation(source: SourceTree): string[] {
  const manifest = packageJson(source)
  if (!manifest) return []
  const isLocked = lockFiles.some(([file]) => source.files.has(file))
  const needsAny = [
    manifest.dependencies,
    manifest.devDependencies,
    manifest.optionalDependencies,
    manifest.workspaces,
  ].some((part) => part && Object.keys(part).length > 0)
  return isLocked || needsAny ? [installCommands[packageManager(source)](source)] : []
}

const lockFiles: readonly (readonly [string, PackageManager])[] = [
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
]

function packageManager({ files }: SourceTree): PackageManager {
  return lockFiles.find(([file]) => files.has(file))?.[1] ?? 'npm'
}

interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: object
  readonly devDependencies?: object
  readonly optionalDependencies?: object
  readonly workspaces?: object
}

function packageJson({ manifest }: SourceTree): Manifest | undefined {
  if (manifest === undefined) return undefined
  try {
    return JSON.parse(manifest) ?? undefined
  } catch (cause) {
    throw new TaskError(`cannot parse package.json: ${(cause as Error).message}`, { cause })
  }
}

/** Builds a checkout by the given command, or by the one that is detected. */
export async function runBuild(
  folder: string,
  options: BuildOptions,
  env: Readonly<Record<string, string>>,
  context: RunContext,
): Promise<void> {
  const manifest = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined)
  const { reason, commands } = planBuild({ files: new Set(await readdir(folder)), manifest }, options)
  context.log(`building: ${reason}`)
  for (const command of commands) {
    await runProgram(command, ['/bin/sh', '-c', command], { cwd: folder, env }, context)
  }
}
