import type { OpsError } from '../errors.ts'
import type { NpmResult } from './npm.ts'
import { PluginInstallError, PluginNotFoundError, RegistryUnreachableError } from './plugin-errors.ts'

type Failure = Extract<NpmResult, { isDone: false }>

const unreachable =
  /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENETDOWN|EHOSTUNREACH|EHOSTDOWN|EPIPE|FETCH_ERROR|ERR_SOCKET_TIMEOUT|ERR_.*_TIMEOUT|E50[234])$/

/** What npm says, in the words of somebody who installs a plugin. */
export function npmError(plugin: string, { code, summary, detail }: Failure): OpsError {
  if (unreachable.test(code)) return new RegistryUnreachableError(plugin, reasonOf(code, summary))
  switch (code) {
    case 'E404':
      return /^No match(ing version)? found/.test(summary) ? noVersion(plugin) : notThere(plugin, summary)
    case 'ETARGET':
      return noVersion(plugin)
    case 'E401':
    case 'E403':
    case 'ENEEDAUTH':
      return new PluginInstallError(plugin, `the registry refuses it (${summary.replace(/\.$/, '')})`, [
        'log in to the registry: npm login, or a token in ~/.npmrc',
      ])
    case 'EUSAGE':
      return new PluginInstallError(
        plugin,
        'package.json and package-lock.json in the folder of plugins contradict each other',
        ['bring back both as they are in the repository, or install the plugin anew by its name'],
      )
    case 'EINTEGRITY':
      return new PluginInstallError(plugin, `what was fetched is not what the lock file says (${summary})`)
    case 'ENOSPC':
      return new PluginInstallError(plugin, 'the disk is full', ['make room, and try again'])
    default:
      return new PluginInstallError(plugin, firstLine(detail.includes('error:') ? `${summary}: ${detail}` : summary))
  }
}

function noVersion(plugin: string): OpsError {
  const name = plugin.replace(/(?<=.)@[^/]*$/, '')
  return new PluginNotFoundError(plugin, 'the registry has no such version', [
    `see which there are: npm view ${name} versions`,
  ])
}

function notThere(plugin: string, summary: string): OpsError {
  const registry = /GET (https?:\/\/[^/\s]+)/.exec(summary)?.[1] ?? 'the registry'
  return new PluginNotFoundError(plugin, `${registry} has no such package, or does not show it to you`, [
    'see how it is spelled',
    'for what is on this machine give a path: ops plugins install ./<folder or tarball>',
  ])
}

function reasonOf(code: string, summary: string): string {
  const host = /(?:GET|to|at:?) (https?:\/\/[^/\s]+)/.exec(summary)?.[1]
  const why = code === 'FETCH_ERROR' ? summary.replace(/ at: .*/, '') : code
  return host === undefined ? why : `${host}: ${why}`
}

function firstLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim())
  return lines.find((line) => line !== '')!.replace(/\.$/, '')
}
