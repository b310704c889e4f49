import { describe, expect, test } from 'vitest'
import { planBuild } from '../src/build-command.ts'

const source = (files: string[], manifest?: object) => ({
  files: new Set([...files, ...(manifest ? ['package.json'] : [])]),
  manifest: manifest && JSON.stringify(manifest),
})
const plan = (files: string[], manifest?: object, options = {}) => planBuild(source(files, manifest), options).commands

describe('the build command', () => {
  test('is the given one alone', () => {
    expect(plan(['Makefile', 'package-lock.json'], { scripts: { build: 'x' } }, { command: 'just' })).toEqual(['just'])
  })

  test('comes after the installation of dependencies if the settings ask for it', () => {
    expect(plan(['package-lock.json'], {}, { command: 'just', install: true })).toEqual(['npm ci', 'just'])
  })

  test('of package.json uses the package manager of the lock file', () => {
    const manifest = { scripts: { build: 'x' } }
    expect(plan(['package-lock.json'], manifest)).toEqual(['npm ci', 'npm run build'])
    expect(plan(['pnpm-lock.yaml'], manifest)).toEqual(['pnpm install --frozen-lockfile', 'pnpm run build'])
    expect(plan(['yarn.lock'], manifest)).toEqual(['yarn install --frozen-lockfile', 'yarn run build'])
    expect(plan(['yarn.lock', '.yarnrc.yml'], manifest)).toEqual(['yarn install --immutable', 'yarn run build'])
    expect(plan([], { ...manifest, dependencies: { a: '1' } })).toEqual([
      'npm install --no-audit --no-fund',
      'npm run build',
    ])
  })

  test('of package.json without dependencies and lock file installs nothing', () => {
    expect(plan([], { scripts: { build: 'x' }, dependencies: {} })).toEqual(['npm run build'])
  })

  test('installs nothing if the settings say so', () => {
    expect(plan(['package-lock.json'], { scripts: { build: 'x' } }, { install: false })).toEqual(['npm run build'])
  })

  test('ignores a package.json without a build script', () => {
    expect(plan(['Makefile'], { scripts: { test: 'x' } })).toEqual(['make'])
  })

  test.each([
    ['Makefile', ['make']],
    ['Cargo.toml', ['cargo build --release']],
    ['go.mod', ['go build ./...']],
    ['pom.xml', ['mvn -q package']],
    ['build.gradle.kts', ['gradle build']],
    ['pyproject.toml', ['python3 -m pip wheel --no-deps --wheel-dir dist .']],
    ['CMakeLists.txt', ['cmake -S . -B build', 'cmake --build build']],
  ])('of %s is %j', (file, commands) => {
    expect(plan([file])).toEqual(commands)
  })

  test('uses the wrapper in the repository', () => {
    expect(plan(['pom.xml', 'mvnw'])).toEqual(['./mvnw -q package'])
    expect(plan(['build.gradle', 'gradlew'])).toEqual(['./gradlew build'])
  })

  test('is required if none is detected', () => {
    expect(() => plan(['README.md'])).toThrow(
      'no build command, and none detected: found no package.json with a "build" script, Makefile, Cargo.toml, go.mod, pom.xml, ' +
        'build.gradle, pyproject.toml, CMakeLists.txt; set "command" of the task or "plugins.build.command" of the configuration',
    )
  })

  test('reports a package.json that is not JSON', () => {
    expect(() => planBuild({ files: new Set(['package.json']), manifest: '{' }, {})).toThrow(
      /^cannot parse package.json: /,
    )
  })
})
