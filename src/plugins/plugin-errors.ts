import { didYouMean, exitStatus, OpsError } from '../errors.ts'
import { shortName } from '../processor/processor-registry.ts'

export class PluginListUnreadableError extends OpsError {
  constructor(file: string, cause: Error) {
    super('PLUGIN_LIST_UNREADABLE', `The list of plugins, ${file}, cannot be read: ${cause.message}.`, {
      cause,
      suggestions: ['mend the file, or bring an earlier one back'],
    })
  }
}

export class PluginFolderUnwritableError extends OpsError {
  constructor(folder: string, cause: Error) {
    super('PLUGIN_FOLDER_UNWRITABLE', `The folder of plugins, ${folder}, cannot be written to: ${cause.message}.`, {
      cause,
      suggestions: ['run this as the user who owns it', 'name another folder: OPS_DATA_DIR=<folder>'],
    })
  }
}

/** Two changes at once would each undo the other. */
export class PluginsChangingError extends OpsError {
  constructor(folder: string, pid: number) {
    super('PLUGINS_CHANGING', `Another ops (pid ${pid}) is changing the plugins in ${folder}.`, {
      suggestions: ['wait until it has ended, and try again'],
    })
  }
}

export class NoPluginSourceError extends OpsError {
  constructor(text: string, problem?: string) {
    super(
      'NO_PLUGIN_SOURCE',
      problem === undefined ? `"${text}" names no plugin.` : `"${text}" cannot be installed: ${problem}.`,
      {
        exit: exitStatus.usage,
        suggestions: [
          'name a package (ops-plugin-email, ops-plugin-email@1.2.0), a tarball or a folder (./ops-plugin-email), or a repository (git+https://…#v1, owner/repository)',
        ],
      },
    )
  }
}

export class PluginNotAllowedError extends OpsError {
  constructor(plugin: string, allowed: readonly string[]) {
    const list = allowed.length > 0 ? `which allows ${allowed.join(', ')}` : 'which allows none'
    super('PLUGIN_NOT_ALLOWED', `"${plugin}" is not in "pluginsAllow" of the configuration, ${list}.`, {
      exit: exitStatus.usage,
      suggestions: ['have it added there by whoever answers for this project'],
    })
  }
}

/** A package that neither declares processors nor has commands. */
export class NoPluginError extends OpsError {
  constructor(name: string, from: string) {
    super(
      'NO_PLUGIN',
      `${name} is no plugin of ops: its package.json has no "ops", and no commands of oclif. Nothing was changed.`,
      {
        suggestions: [
          `see that ${from} is what you mean`,
          'or declare its processors: "ops": { "api": 1, "processors": { … } }',
        ],
      },
    )
  }
}

export class PluginNotInstalledError extends OpsError {
  constructor(name: string, what: string, known: readonly string[]) {
    const sentence = `No plugin named "${name}" is ${what}.`
    super('PLUGIN_NOT_INSTALLED', didYouMean(sentence, name, [...known, ...known.map(shortName)]), {
      exit: exitStatus.usage,
      suggestions: [known.length > 0 ? `use one of: ${known.join(', ')}` : 'see what is installed: ops plugins'],
    })
  }
}

export class RegistryUnreachableError extends OpsError {
  constructor(plugin: string, reason: string) {
    super(
      'REGISTRY_UNREACHABLE',
      `${plugin} cannot be fetched: the registry does not answer (${reason}). Nothing was changed.`,
      {
        suggestions: [
          'see to the network, or to the proxy and registry that npm is configured with',
          'without a network, install a tarball that npm pack has made: ops plugins install ./<plugin>.tgz',
        ],
      },
    )
  }
}

export class PluginNotFoundError extends OpsError {
  constructor(plugin: string, problem: string, suggestions: readonly string[]) {
    super('PLUGIN_NOT_FOUND', `${plugin} cannot be installed: ${problem}. Nothing was changed.`, { suggestions })
  }
}

export class PluginInstallError extends OpsError {
  constructor(plugin: string, problem: string, suggestions: readonly string[] = []) {
    super('PLUGIN_INSTALL_FAILED', `${plugin} cannot be installed: ${problem}. Nothing was changed.`, { suggestions })
  }
}

/** What works is not replaced by what does not. */
export class PluginWorseError extends OpsError {
  constructor(name: string, from: string, to: string, problem: string) {
    super('PLUGIN_WORSE', `${name} stays at ${from}, because ${to} cannot be used: ${problem}`, {
      suggestions: [
        `ask for a version that works: ops plugins install ${name}@<version>`,
        'or replace it all the same: --force',
      ],
    })
  }
}

export class NothingToInstallError extends OpsError {
  constructor(folder: string) {
    super('NOTHING_TO_INSTALL', `No plugin is listed in ${folder}, so there is none to install.`, {
      exit: exitStatus.usage,
      suggestions: ['name one: ops plugins install <package, tarball, folder or repository>'],
    })
  }
}
