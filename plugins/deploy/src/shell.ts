import { HostUnreachableError, ProgramError, ProgramMissingError } from './errors.ts'
import { quote } from './quote.ts'
import type { Runner } from './runner.ts'

export interface ScriptOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly isAsked?: boolean
}

/** A POSIX shell where an environment is: on this machine, or behind ssh. */
export interface Shell {
  /** The machine, for messages; undefined for this one. */
  readonly host: string | undefined
  /**
   * Runs a script with arguments, and gives back what it printed where it is asked.
   *
   * @throws ProgramError when it fails, HostUnreachableError
   */
  run(script: string, args: readonly string[], options?: ScriptOptions): Promise<string>
  /**
   * Brings a file of this machine there.
   *
   * @param to where to, if it is not there already
   * @returns where it is
   */
  bring(file: string, to: string): Promise<string>
}

/** @param env what programs on this machine are given */
export function localShell(runner: Runner, env: Readonly<Record<string, string>>): Shell {
  return {
    host: undefined,
    run: (script, args, { env: own, isAsked = false } = {}) =>
      runner('/bin/sh', ['-c', script, 'ops', ...args], { env: { ...env, ...own }, isAsked }),
    bring: async (file) => file,
  }
}

export interface SshHost {
  /** `user@server`, or a name of ssh's own configuration. */
  readonly host: string
  /** Options in front of it. */
  readonly options: readonly string[]
  /** The file with the host's key. */
  readonly knownHosts: string | undefined
}

export function sshShell(runner: Runner, env: Readonly<Record<string, string>>, to: SshHost): Shell {
  const options = sshOptions(to)
  const connect = async (command: string, given: { says?: string; reads?: string; isAsked?: boolean }) => {
    try {
      return await runner('ssh', [...options, '--', to.host, command], { env, ...given })
    } catch (error) {
      throw unreachable(to.host, error) ?? error
    }
  }
  return {
    host: to.host,
    // The login shell there, which may be any, sees these words alone.
    run: (script, args, { env: own = {}, isAsked = false } = {}) =>
      connect('exec /bin/sh -s', { says: remoteScript(script, args, own), isAsked }),
    async bring(file, path) {
      if (!(await sentByRsync(file, path))) {
        await connect(`exec /bin/sh -c 'cat > "$0"' ${quote(path)}`, { reads: file })
      }
      return path
    },
  }

  /** Whether rsync is there, at both ends. Of a copy that breaks off nothing is kept, and nothing of it is used. */
  async function sentByRsync(file: string, path: string): Promise<boolean> {
    const transport = ['ssh', ...options].map(quoteForRsync).join(' ')
    const args = ['--protect-args', '--whole-file', '-e', transport, '--', file, `${to.host}:${path}`]
    try {
      await runner('rsync', args, { env })
      return true
    } catch (error) {
      const isMissing = error instanceof ProgramError && error.exitCode === noSuchCommand
      if (error instanceof ProgramMissingError || isMissing) return false
      throw unreachable(to.host, error) ?? error
    }
  }
}

/** Never a question, and an end to every wait. What the settings say stands in front, since ssh takes the first. */
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

/** ssh_config(5): a value with spaces stands in double quotes, and this one may be a list. */
function quoteForConfig(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`
}

/** rsync(1), --rsh: it splits by spaces itself, and knows quotes; a doubled quote stands for itself. */
function quoteForRsync(word: string): string {
  return `'${word.replaceAll("'", "''")}'`
}

/**
 * A script with its arguments and variables, as text for `sh -s`. When the connection ends, so does all that the script
 * has started: ssh itself would leave it behind, and a late command could work into a later deployment.
 */
export function remoteScript(script: string, args: readonly string[], env: Readonly<Record<string, string>>): string {
  const variables = Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}`)
  return `{
exec 3<&0 </dev/null
# The group is ours where ssh started this shell, and not where something else did that must live on.
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
const noSuchCommand = 127

/** ssh ends with 255 for everything that is its own. */
function unreachable(host: string, error: unknown): Error | undefined {
  if (!(error instanceof ProgramError) || error.exitCode !== 255) return undefined
  const complaint = error.lines.at(-1) ?? 'ssh gives no reason'
  return new HostUnreachableError(host, complaint.replace(/^ssh: /, ''))
}
