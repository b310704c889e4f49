import { OpsError } from '@ops-cli/core'
import { ProgramError, ProgramMissingError, type Runner } from './runner.ts'

export interface ScriptOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Whether to return the output. */
  readonly capture?: boolean
}

/** A POSIX shell on the machine of an environment: this one, or another one over ssh. */
export interface Shell {
  /** The name of the machine; undefined for this one. */
  readonly host: string | undefined
  /**
   * Runs a script with arguments.
   *
   * @throws ProgramError when it fails, OpsError when the host is unreachable
   */
  run(script: string, args: readonly string[], options?: ScriptOptions): Promise<string>
  /**
   * Makes a file of this machine available there.
   *
   * @param to where it is copied to, unless it is on the same machine
   * @returns its path there
   */
  upload(file: string, to: string): Promise<string>
}

/** @param env the environment of programs on this machine */
export function localShell(runner: Runner, env: Readonly<Record<string, string>>): Shell {
  return {
    host: undefined,
    run: (script, args, { env: own, capture = false } = {}) =>
      runner('/bin/sh', ['-c', script, 'ops', ...args], { env: { ...env, ...own }, capture }),
    upload: async (file) => file,
  }
}

export interface SshHost {
  /** `user@server`, or a name in ssh's own configuration. */
  readonly host: string
  /** Options before the host. */
  readonly options: readonly string[]
  /** The file with the host's key. */
  readonly knownHosts: string | undefined
}

export function sshShell(runner: Runner, env: Readonly<Record<string, string>>, to: SshHost): Shell {
  const options = sshOptions(to)
  const connect = async (command: string, given: { input?: string; inputFile?: string; capture?: boolean }) => {
    try {
      return await runner('ssh', [...options, '--', to.host, command], { env, ...given })
    } catch (error) {
      throw unreachable(to.host, error) ?? error
    }
  }
  return {
    host: to.host,
    // The login shell there, which may be any, parses only these words.
    run: (script, args, { env: own = {}, capture = false } = {}) =>
      connect('exec /bin/sh -s', { input: remoteScript(script, args, own), capture }),
    async upload(file, path) {
      if (!(await uploadByRsync(file, path))) {
        await connect(`exec /bin/sh -c 'cat > "$0"' ${quote(path)}`, { inputFile: file })
      }
      return path
    },
  }

  /** False when rsync is missing on either side. An incomplete copy is removed. */
  async function uploadByRsync(file: string, path: string): Promise<boolean> {
    const transport = ['ssh', ...options].map(quoteForRsync).join(' ')
    const args = ['--protect-args', '--whole-file', '-e', transport, '--', file, `${to.host}:${path}`]
    try {
      await runner('rsync', args, { env })
      return true
    } catch (error) {
      const isMissing = error instanceof ProgramError && error.exitCode === COMMAND_NOT_FOUND
      if (error instanceof ProgramMissingError || isMissing) return false
      throw unreachable(to.host, error) ?? error
    }
  }
}

/** No prompts, and a limit for every wait. The options of the settings come first, because ssh uses the first value. */
function sshOptions({ options, knownHosts }: SshHost): string[] {
  const fixed = {
    BatchMode: 'yes',
    StrictHostKeyChecking: 'yes',
    ConnectTimeout: '8',
    ServerAliveInterval: '10',
    ServerAliveCountMax: '3',
    LogLevel: 'ERROR',
    ...(knownHosts === undefined ? {} : { UserKnownHostsFile: quoteForConfig(knownHosts) }),
  }
  return [...options, '-T', ...Object.entries(fixed).flatMap(([name, value]) => ['-o', `${name}=${value}`])]
}

/** ssh_config(5): a value with spaces needs double quotes, and this one may be a list. */
function quoteForConfig(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`
}

/** rsync(1), --rsh: rsync splits it at spaces and knows quotes; a doubled quote is a quote. */
function quoteForRsync(word: string): string {
  return `'${word.replaceAll("'", "''")}'`
}

/**
 * A script with its arguments and variables, as input of `sh -s`. When the connection ends, everything that the script
 * started is ended: ssh itself would leave it running, and a late command could interfere with a later deployment.
 */
export function remoteScript(script: string, args: readonly string[], env: Readonly<Record<string, string>>): string {
  const variables = Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}`)
  return `{
exec 3<&0 </dev/null
# The group is ours if ssh started this shell; otherwise it belongs to something that must go on.
group=$(sed 's/^.*) [^ ]* [^ ]* \\([0-9]*\\) .*/\\1/' /proc/$$/stat 2>/dev/null) || group=$(ps -o pgid= -p $$ | tr -d ' ')
if [ "$group" = $$ ]; then all=0; else all=$$; fi
(cat <&3 >/dev/null; trap '' TERM; kill -TERM $all; sleep 3; kill -KILL $all) >/dev/null 2>&1 &
watch=$!
exec 3<&-
${variables.join('\n')}
set -- ${args.map(quote).join(' ')}
(
${script}
)
status=$?
kill -KILL $watch 2>/dev/null
trap '' TERM
if [ $all = 0 ]; then kill -TERM 0; fi
exit $status
}
`
}

/** rsync's exit code when the other side has no rsync. */
const COMMAND_NOT_FOUND = 127

/** ssh exits with 255 for its own errors. */
function unreachable(host: string, error: unknown): Error | undefined {
  if (!(error instanceof ProgramError) || error.exitCode !== 255) return undefined
  const complaint = (error.lines.at(-1) ?? 'ssh gave no reason').replace(/^ssh: /, '')
  return new OpsError('HOST_UNREACHABLE', `cannot reach ${host} over ssh: ${complaint}${adviceFor(host, complaint)}`)
}

function adviceFor(host: string, complaint: string): string {
  if (/host key|known_hosts/i.test(complaint)) {
    const machine = host.split('@').at(-1)
    return `; add its key: ssh-keyscan ${machine} >> known_hosts, and set "knownHosts" to that file`
  }
  if (/permission denied/i.test(complaint))
    return '; give the worker a key that the host accepts: "ssh": ["-i", "<file>"]'
  return ''
}

/** One word for a POSIX shell, whatever it contains. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
