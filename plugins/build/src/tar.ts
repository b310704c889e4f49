import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { promisify } from 'node:util'

/** What cargo keeps beside its results: large, and of no use elsewhere. */
const cargoLeavings = ['./build', './deps', './examples', './incremental', './.fingerprint', './.cargo-lock', './*.d']

/**
 * The arguments that pack a folder's contents, or one file. With GNU tar the same contents give the same bytes,
 * whenever and by whomever they were built (https://reproducible-builds.org/docs/archives/).
 *
 * @param modifiedAt seconds since the epoch, given to every file
 */
export async function tarArguments(pack: { file: string; source: string; modifiedAt: string }): Promise<string[]> {
  const { file, source, modifiedAt } = pack
  const isFolder = statSync(source).isDirectory()
  const left = ['./.git', ...(source.endsWith('/target/release') ? cargoLeavings : [])]
  return [
    '-c',
    '-f',
    file,
    ...((await isGnuTar()) ? reproducibly(modifiedAt) : ['-z']),
    ...left.map((path) => `--exclude=${path}`),
    ...(isFolder ? ['-C', source, '.'] : ['-C', dirname(source), `./${basename(source)}`]),
  ]
}

function reproducibly(modifiedAt: string): string[] {
  return [
    '--format=gnu',
    '--sort=name',
    `--mtime=@${modifiedAt}`,
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    // -n: without the time of packing.
    '--use-compress-program=gzip -n',
    // Patterns behind this are paths of the top folder, as they are for other kinds of tar.
    '--anchored',
    '--no-wildcards-match-slash',
  ]
}

async function isGnuTar(): Promise<boolean> {
  const answer = await promisify(execFile)('tar', ['--version']).catch(() => ({ stdout: '' }))
  return answer.stdout.includes('GNU tar')
}
