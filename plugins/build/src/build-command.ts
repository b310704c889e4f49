import { InvalidManifestError, UnknownBuildError } from './errors.ts'

/** What is known of a checkout when its build is chosen. */
export interface Source {
  /** The names in its top folder. */
  readonly files: ReadonlySet<string>
  /** The text of its package.json. */
  readonly manifest: string | undefined
}

export interface BuildPlan {
  /** Why these commands. */
  readonly reason: string
  /** For a shell, one after the other. */
  readonly commands: readonly string[]
}

interface Wish {
  readonly command?: string | null | undefined
  readonly install?: boolean | undefined
}

/**
 * Chooses how a checkout is built. A command that is given stands alone, unless the settings ask for an installation.
 *
 * @throws UnknownBuildError when nothing is given and nothing known is found
 */
export function planBuild(source: Source, { command, install }: Wish): BuildPlan {
  if (command)
    return { reason: 'as configured', commands: [...(install === true ? installation(source) : []), command] }
  const kind = kinds.find(({ isOne }) => isOne(source))
  if (!kind) throw new UnknownBuildError(kinds.map(({ looksFor }) => looksFor))
  return {
    reason: `found ${kind.looksFor}`,
    commands: [...(install === false ? [] : (kind.install?.(source) ?? [])), ...kind.build(source)],
  }
}

interface Kind {
  readonly looksFor: string
  isOne(source: Source): boolean
  install?(source: Source): readonly string[]
  build(source: Source): readonly string[]
}

const has =
  (...names: string[]) =>
  ({ files }: Source) =>
    names.some((name) => files.has(name))

/** The first that fits wins; package.json stands first since many repositories have a Makefile beside it for comfort. */
const kinds: readonly Kind[] = [
  {
    looksFor: 'package.json with a "build" script',
    isOne: (source) => packageJson(source)?.scripts?.build !== undefined,
    install: installation,
    build: (source) => [`${packageManager(source)} run build`],
  },
  { looksFor: 'Makefile', isOne: has('Makefile', 'makefile', 'GNUmakefile'), build: () => ['make'] },
  { looksFor: 'Cargo.toml', isOne: has('Cargo.toml'), build: () => ['cargo build --release'] },
  { looksFor: 'go.mod', isOne: has('go.mod'), build: () => ['go build ./...'] },
  {
    looksFor: 'pom.xml',
    isOne: has('pom.xml'),
    build: ({ files }) => [`${files.has('mvnw') ? './mvnw' : 'mvn'} -q package`],
  },
  {
    looksFor: 'build.gradle',
    isOne: has('build.gradle', 'build.gradle.kts'),
    build: ({ files }) => [`${files.has('gradlew') ? './gradlew' : 'gradle'} build`],
  },
  {
    looksFor: 'pyproject.toml',
    isOne: has('pyproject.toml', 'setup.py'),
    build: () => ['python3 -m pip wheel --no-deps --wheel-dir dist .'],
  },
  {
    looksFor: 'CMakeLists.txt',
    isOne: has('CMakeLists.txt'),
    build: () => ['cmake -S . -B build', 'cmake --build build'],
  },
]

const installCommands: Readonly<Record<PackageManager, (source: Source) => string>> = {
  npm: ({ files }) =>
    files.has('package-lock.json') || files.has('npm-shrinkwrap.json') ? 'npm ci' : 'npm install --no-audit --no-fund',
  pnpm: () => 'pnpm install --frozen-lockfile',
  // The flag has another name since Yarn 2, which is known by its own configuration file.
  yarn: ({ files }) => (files.has('.yarnrc.yml') ? 'yarn install --immutable' : 'yarn install --frozen-lockfile'),
  bun: () => 'bun install --frozen-lockfile',
}

type PackageManager = 'npm' | 'pnpm' | 'yarn' | 'bun'

function installation(source: Source): string[] {
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

function packageManager({ files }: Source): PackageManager {
  return lockFiles.find(([file]) => files.has(file))?.[1] ?? 'npm'
}

interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: object
  readonly devDependencies?: object
  readonly optionalDependencies?: object
  readonly workspaces?: object
}

function packageJson({ manifest }: Source): Manifest | undefined {
  if (manifest === undefined) return undefined
  try {
    return JSON.parse(manifest) ?? undefined
  } catch (cause) {
    throw new InvalidManifestError('package.json', cause)
  }
}
