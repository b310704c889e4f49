import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { promisify } from 'node:util'

/** What cargo keeps beside its results: large, and useless elsewhere. */
const CARGO_INTERNALS = ['./build', './deps', './examples', './incremental', './.fingerprint', './.cargo-lock', './*.d']

/**
 * The arguments of tar for the contents of a folder, or for one file. With GNU tar the same contents give the same bytes
 * (https://reproducible-builds.org/docs/archives/).
 *
 * @param modifiedAt seconds since the epoch, given to every file
 */
export async function tarArguments(pack: { file: string; source: string; modifiedAt: string }): Promise<string[]> {
  const { file, source, modifiedAt } = pack
  const isFolder = statSync(source).isDirectory()
  const excluded = ['./.git', ...(source.endsWith('/target/release') ? CARGO_INTERNALS : [])]
  return [
    '-c',
    '-f',
    file,
    ...((await isGnuTar()) ? reproducible(modifiedAt) : ['-z']),
    ...excluded.map((path) => `--exclude=${path}`),
    ...(isFolder ? ['-C', source, '.'] : ['-C', dirname(source), `./${basename(source)}`]),
  ]
}

function reproducible(modifiedAt: string): string[] {
  return [
    '--format=gnu',
    '--sort=name',
    `--mtime=@${modifiedAt}`,
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    // What the group may do, everybody may: a worker with a umask of 027 builds for a web server of another user.
    '--mode=go-w,o=g,a-s',
    // -n omits the time of packing.
    '--use-compress-program=gzip -n',
    // Patterns after these are relative to the top folder, as they are in other kinds of tar.
    '--anchored',
    '--no-wildcards-match-slash',
  ]
}

async function isGnuTar(): Promise<boolean> {
  const answer = await promisify(execFile)('tar', ['--version']).catch(() => ({ stdout: '' }))
  return answer.stdout.includes('GNU tar')
}
