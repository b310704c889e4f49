import { dirname } from 'node:path'
import { baseEnvironment, named, pick } from './build-environment.ts'
import type { Settings } from './settings.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** What git, ssh and libcurl read: keys, proxies, certificates, the user's configuration. */
const passed = [
  'SSH_AUTH_SOCK',
  'GIT_SSH',
  'GIT_SSH_COMMAND',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_SYSTEM',
  'GIT_CONFIG_NOSYSTEM',
  'GIT_SSL_CAINFO',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'XDG_CONFIG_HOME',
  ...['http_proxy', 'https_proxy', 'no_proxy', 'all_proxy'].flatMap((name) => [name, name.toUpperCase()]),
]

/** The whole environment of git: nothing of a surrounding repository (`GIT_DIR` in a hook), and no way to ask anybody. */
export function gitEnvironment(
  parent: Environment,
  settings: Pick<Settings, 'env' | 'passEnv'>,
  { isLocal, cwd }: { isLocal: boolean; cwd: string },
): Record<string, string> {
  const config = {
    'advice.detachedHead': 'false',
    // Housekeeping in the background would outlive the task.
    'gc.autoDetach': 'false',
    'maintenance.autoDetach': 'false',
    // git lets a submodule come from this machine only where it is told to; here the operator named a path anyway.
    ...(isLocal && { 'protocol.file.allow': 'always' }),
  }
  return {
    ...baseEnvironment(parent),
    ...pick(parent, passed),
    GIT_SSH_COMMAND: parent.GIT_SSH_COMMAND ?? 'ssh -o BatchMode=yes',
    GIT_TERMINAL_PROMPT: '0',
    // Empty beats core.askPass, which could open a window.
    GIT_ASKPASS: '',
    GCM_INTERACTIVE: 'never',
    ...named(parent, settings),
    // Its complaints are read and shown.
    LC_ALL: 'C',
    // The state directory may lie inside a repository, whose configuration is none of the task's.
    GIT_CEILING_DIRECTORIES: dirname(cwd),
    ...asVariables(config),
  }
}

/** Configuration for one call, as git-config(1) has it under GIT_CONFIG_COUNT. */
function asVariables(config: Readonly<Record<string, string>>): Record<string, string> {
  const pairs = Object.entries(config).flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ])
  return { GIT_CONFIG_COUNT: String(pairs.length / 2), ...Object.fromEntries(pairs) }
}
