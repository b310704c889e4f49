import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'
import { OpsError } from '../errors.ts'

/** Where installations of Node keep npm, from the folder of `node`. */
const besideNode = [
  // nodejs.org, nvm, fnm, Volta, Docker, Alpine, Arch, NodeSource.
  '../lib/node_modules/npm',
  // Homebrew's Cellar.
  '../libexec/lib/node_modules/npm',
  // Debian and Ubuntu.
  '../share/nodejs/npm',
  // Fedora, which has a folder for each major version.
  `../lib/node_modules_${process.versions.node.split('.')[0]}/npm`,
]

/**
 * The npm-cli.js of the npm that came with Node: the npm that runs ops, else the one beside `node`, else the one on the
 * PATH. The npm package `node` brings none.
 *
 * @throws OpsError with the code NPM_NOT_FOUND
 */
export function findNpm({ env, execPath }: Pick<NodeJS.Process, 'env' | 'execPath'> = process): string {
  const nodes = new Set([dirname(execPath), dirname(realPath(execPath) ?? execPath)])
  const path = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const candidates = [
    // Set by npm and npx; yarn and pnpm set it to themselves.
    ...(env.npm_execpath ? [env.npm_execpath] : []),
    ...[...nodes].flatMap((folder) => besideNode.map((place) => join(folder, place, 'bin', 'npm-cli.js'))),
    ...path.map((folder) => join(folder, 'npm')),
  ]
  for (const candidate of candidates) {
    const program = programOf(candidate)
    if (program !== undefined) return program
  }
  throw new OpsError(
    'NPM_NOT_FOUND',
    `Cannot find npm, which installs plugins: neither beside ${execPath} nor on the PATH.`,
    {
      suggestions: ['install npm, or a Node that comes with it, and make sure that "npm --version" works'],
    },
  )
}

/** The npm-cli.js that a file is, or that lies beside it: `npm`, `npm-cli.js` and `npx-cli.js` share a folder. */
function programOf(file: string): string | undefined {
  const folder = dirname(realPath(file) ?? '')
  const program = join(folder, 'npm-cli.js')
  return basename(folder) === 'bin' && existsSync(program) && isNpm(dirname(folder)) ? program : undefined
}

function isNpm(folder: string): boolean {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).name === 'npm'
  } catch {
    return false
  }
}

function realPath(file: string): string | undefined {
  try {
    return realpathSync(file)
  } catch {
    return undefined
  }
}
