import { isAbsolute, resolve } from 'node:path'

interface Surroundings {
  readonly cwd: string
  /** The node of ops, which is meant by `node`. */
  readonly node: string
  /** The absolute path of a program that is found by its name, if it is. */
  readonly find: (name: string) => string | undefined
}

export interface ServiceArgv {
  readonly argv: readonly string[]
  /** A shell or a package manager stands between systemd and the program, and keeps signals to itself. */
  readonly isWrapped: boolean
  /** The name of a program that is not found here. */
  readonly missing: string | undefined
}

/** What a word can be that means to a shell what it says. */
const plain = /^[\w@%+:,./=-]+$/

const builtins = new Set(
  '. : alias cd command eval exec exit export read set shift source test trap ulimit umask unset wait'.split(' '),
)
const wrappers = new Set([
  'npm',
  'npx',
  'pnpm',
  'pnpx',
  'yarn',
  'bun',
  'bunx',
  'sh',
  'bash',
  'dash',
  'zsh',
  'env',
  'sudo',
])

/** The program of a service's command by its absolute path; a shell only where the command needs one. */
export function serviceArgv(command: string | readonly string[], surroundings: Surroundings): ServiceArgv {
  const argv = typeof command === 'string' ? plainWords(command) : command
  if (argv === undefined) return { argv: ['/bin/sh', '-c', command as string], isWrapped: true, missing: undefined }
  const [program, ...rest] = argv
  const found = locate(program!, surroundings)
  const isWrapped = wrappers.has(program!.split('/').at(-1)!)
  // env looks through the PATH of the unit, so that what is installed later is found.
  return found === undefined
    ? { argv: ['/usr/bin/env', program!, ...rest], isWrapped, missing: program! }
    : { argv: [found, ...rest], isWrapped, missing: undefined }
}

/** The words of a command that a shell would only split at its spaces; undefined when it would do more. */
function plainWords(command: string): readonly string[] | undefined {
  const words = command.trim().split(/ +/)
  const [first] = words
  if (builtins.has(first!) || first!.includes('=')) return undefined
  return words.every((word) => plain.test(word)) ? words : undefined
}

function locate(program: string, { cwd, node, find }: Surroundings): string | undefined {
  if (program === 'node') return node
  if (isAbsolute(program)) return program
  return program.includes('/') ? resolve(cwd, program) : find(program)
}
