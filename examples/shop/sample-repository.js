import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/*
 * Creates .ops/sample, a git repository to build, so that the example needs only git. Author, dates and contents are
 * fixed, so the two commits are the same on every machine.
 */

// The user's own git settings (hooks, signatures, line endings) would change the commits.
const gitEnvironment = {
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@shop.example',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@shop.example',
}

const readme = `# Sample

A page that takes a moment to build, so there is something to watch.
`

const manifest = `${JSON.stringify(
  { name: 'sample', version: '1.0.0', private: true, type: 'module', scripts: { build: 'node build.js' } },
  null,
  2,
)}\n`

const build = `import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'

const steps = ['reading the readme', 'setting the type', 'mixing the colours', 'writing the page']
for (const [index, step] of steps.entries()) {
  console.log(\`[\${index + 1}/\${steps.length}] \${step}\`)
  await wait(400)
}

const [title, ...text] = readFileSync('README.md', 'utf8').trim().split('\\n')
mkdirSync('dist', { recursive: true })
writeFileSync('dist/index.html', \`<!doctype html><title>\${title.slice(2)}</title><p>\${text.join(' ').trim()}</p>\\n\`)
`

const state = join(import.meta.dirname, '.ops')
const repository = join(state, 'sample')

if (existsSync(repository)) {
  console.log('The sample repository already exists.')
} else {
  mkdirSync(state, { recursive: true })
  // Created under another name, then renamed: an interrupted start leaves no partial repository.
  const draft = mkdtempSync(join(state, 'sample-'))
  try {
    create(draft)
    renameSync(draft, repository)
    console.log('Created a sample repository with two commits.')
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    throw error
  }
}

function create(directory) {
  const git = (...args) => execFileSync('git', args, { cwd: directory, env: gitEnvironment, stdio: 'pipe' })
  git('-c', 'init.defaultBranch=main', 'init', '--quiet')
  write(directory, { 'README.md': readme, 'package.json': manifest })
  commit(git, 'Add a page to build', '2026-01-01T09:00:00Z')
  write(directory, { 'build.js': build, '.gitignore': 'dist/\n' })
  commit(git, 'Build the page from the readme', '2026-01-02T09:00:00Z')
}

function write(directory, files) {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
}

function commit(git, message, date) {
  gitEnvironment.GIT_AUTHOR_DATE = date
  gitEnvironment.GIT_COMMITTER_DATE = date
  git('add', '--all')
  git('commit', '--quiet', '--message', message)
}
