import { exitStatus, OpsError, type Problem, unknownName } from '../errors.ts'
import { type CommandDeclaration, parseCommandDeclaration } from './command-declaration.ts'
import { API_VERSION } from './define-processor.ts'

export interface Plugin {
  readonly name: string
  readonly version: string
  readonly root: string
  readonly type: PluginType
  /** The parsed package.json. */
  readonly manifest: { readonly ops?: unknown }
  /** The task tables that it had when it was installed or linked; known even if its code is gone. */
  readonly tables?: readonly string[] | undefined
}

/** Linked wins over installed, installed over bundled. */
export type PluginType = 'link' | 'user' | 'bundled'

const rank: Readonly<Record<PluginType, number>> = { link: 0, user: 1, bundled: 2 }

/** Sorts plugins so that the first of several with the same name or processor wins. */
export function comparePlugins(a: Plugin, b: Plugin): number {
  return rank[a.type] - rank[b.type] || a.name.localeCompare(b.name)
}

/** Each plugin once: of several with one name, the one that wins. */
export function activePlugins(plugins: readonly Plugin[]): Plugin[] {
  const ranked = [...plugins].sort(comparePlugins)
  return ranked.filter((plugin, index) => ranked.findIndex(({ name }) => name === plugin.name) === index)
}

/** The name under `plugins` in the configuration: `build` for `@ops-cli/plugin-build` and `ops-plugin-build`. */
export function shortName(plugin: string): string {
  return plugin.replace(/^@[^/]+\//, '').replace(/^(ops-)?plugin-/, '')
}

/** What enables a bundled plugin. */
export function enableSuggestion({ name }: Pick<Plugin, 'name'>): string {
  return `enable it in the configuration: plugins: { ${shortName(name)}: {} }`
}

/** The last suggestion for a plugin that does not work. A bundled plugin cannot be removed. */
export function removeSuggestion({ name, type }: Pick<Plugin, 'name' | 'type'>): string[] {
  if (type === 'bundled') return []
  return [`remove the plugin: ops plugins ${type === 'link' ? 'unlink' : 'uninstall'} ${name}`]
}

/** A processor that a plugin declares. None of its code is imported yet. */
export type DeclaredProcessor = DeclaredModule | DeclaredCommand

export interface DeclaredModule {
  readonly name: string
  /** The path of the module, relative to the plugin. */
  readonly module: string
  readonly plugin: Plugin
}

/** A processor in any language: a program. */
export interface DeclaredCommand {
  readonly name: string
  readonly module?: undefined
  readonly command: CommandDeclaration
  readonly plugin: Plugin
}

/** A plugin that has processors or migrations. */
export interface ProcessorPlugin extends Plugin {
  readonly shortName: string
  /** The folder of its migrations, relative to the plugin. */
  readonly migrations: string | undefined
}

/** A plugin, or one of its declarations, that cannot be used. */
export interface BrokenPlugin {
  /** Undefined if the list of plugins itself is unreadable. */
  readonly plugin: Plugin | undefined
  /** Undefined if the whole plugin is unusable. */
  readonly processor?: string | undefined
  readonly problem: Problem
}

export function brokenPlugin(
  plugin: Plugin,
  message: string,
  suggestions: readonly string[],
  processor?: string,
): BrokenPlugin {
  const problem: Problem = {
    code: 'BROKEN_PLUGIN',
    severity: 'error',
    where: processor ?? plugin.name,
    message,
    suggestions,
  }
  return { plugin, processor, problem }
}

/** The processors that plugins declare, and the plugins that cannot be used. Reads package.json only; imports nothing. */
export class ProcessorRegistry {
  readonly processors: readonly DeclaredProcessor[]
  readonly plugins: readonly ProcessorPlugin[]
  readonly broken: readonly BrokenPlugin[]
  /** Bundled plugins that the configuration does not name. */
  readonly disabled: readonly Plugin[]
  /** Processors that another plugin provides in place of a bundled one. */
  readonly replaced: readonly DeclaredProcessor[]

  /**
   * @param unreadable plugins whose package.json cannot be read
   * @param mayReplace whether another plugin may provide a processor in place of a bundled one
   */
  constructor(
    plugins: readonly Plugin[],
    unreadable: readonly BrokenPlugin[] = [],
    disabled: readonly Plugin[] = [],
    mayReplace: (processor: string) => boolean = () => true,
  ) {
    const bundled = plugins.filter((plugin) => plugin.type === 'bundled' && !disabled.includes(plugin))
    const active = activePlugins(plugins.filter((plugin) => !disabled.includes(plugin)))
    this.disabled = disabled.filter(({ name }) => !active.some((plugin) => plugin.name === name))
    const processors = new Map<string, DeclaredProcessor>()
    const broken: BrokenPlugin[] = [...unreadable]
    this.plugins = active.flatMap((plugin) => {
      const needed = this.disabled.find(({ name }) => requiredPlugins(plugin).includes(shortName(name)))
      if (needed) {
        broken.push(needsPlugin(plugin, needed))
        return []
      }
      const declaration = readDeclaration(plugin, broken)
      if (!declaration) return []
      for (const declared of declaration.processors) {
        const original =
          plugin.type === 'bundled' ? undefined : bundled.find((one) => declaredNames(one).includes(declared.name))
        if (original && original.name !== plugin.name && !mayReplace(declared.name)) {
          broken.push(wouldReplace(declared, original))
          continue
        }
        const other = processors.get(declared.name)
        if (!other) processors.set(declared.name, declared)
        else if (other.plugin.type === plugin.type) broken.push(declaredTwice(declared.name, other.plugin, plugin))
      }
      return [{ ...plugin, shortName: shortName(plugin.name), migrations: declaration.migrations }]
    })
    this.processors = [...processors.values()].sort((a, b) => a.name.localeCompare(b.name))
    this.broken = broken
    this.replaced = this.processors.filter(
      ({ name, plugin }) => plugin.type !== 'bundled' && bundled.some((one) => declaredNames(one).includes(name)),
    )
  }

  /** @throws OpsError UNKNOWN_PROCESSOR, or PROCESSOR_NOT_ENABLED if a bundled plugin has it */
  find(name: string): DeclaredProcessor {
    const declared = this.processors.find((processor) => processor.name === name)
    if (declared) return declared
    const notEnabled = this.notEnabled(name)
    if (notEnabled) throw notEnabled
    const known = this.processors.map((processor) => processor.name)
    const suggestions = ['install the plugin that provides it: ops plugins install <package>']
    throw unknownName('processor', name, known, { suggestions })
  }

  /** Why a processor of a bundled plugin cannot be used; undefined for any other name. */
  notEnabled(name: string): OpsError | undefined {
    const plugin = this.disabled.find((one) => declaredNames(one).includes(name))
    if (!plugin) return undefined
    return new OpsError('PROCESSOR_NOT_ENABLED', `The processor "${name}" is not enabled.`, {
      exit: exitStatus.usage,
      suggestions: [enableSuggestion(plugin)],
    })
  }
}

function wouldReplace({ name, plugin }: DeclaredProcessor, original: Plugin): BrokenPlugin {
  const message = `The processor "${name}" of ${plugin.name} is not used: it would replace that of ${original.name}.`
  const suggestions = [`if you want that, name it in the configuration: pluginsReplace: ['${name}']`]
  return brokenPlugin(plugin, message, [...suggestions, ...removeSuggestion(plugin)], name)
}

function needsPlugin(plugin: Plugin, needed: Plugin): BrokenPlugin {
  const message = `The plugin ${plugin.name} cannot be used: it needs the plugin "${shortName(needed.name)}", which is not enabled.`
  return brokenPlugin(plugin, message, [enableSuggestion(needed), ...removeSuggestion(plugin)])
}

/** The processors that a plugin declares, usable or not. */
export function declaredNames({ manifest }: Plugin): string[] {
  const { processors } = (manifest.ops ?? {}) as { processors?: unknown }
  return typeof processors === 'object' && processors !== null ? Object.keys(processors) : []
}

/** The short names of the plugins whose tables it refers to. */
function requiredPlugins({ manifest }: Plugin): string[] {
  const { requires } = (manifest.ops ?? {}) as { requires?: unknown }
  return Array.isArray(requires) ? requires.map(String) : []
}

interface Declaration {
  readonly processors: readonly DeclaredProcessor[]
  readonly migrations: string | undefined
}

/** Adds to `broken` what cannot be used. Undefined if that is the whole plugin, or if it is not a plugin of ops. */
function readDeclaration(plugin: Plugin, broken: BrokenPlugin[]): Declaration | undefined {
  const { ops } = plugin.manifest as { ops?: Record<string, unknown> }
  if (typeof ops !== 'object' || ops === null) return undefined
  const label = `${plugin.name}@${plugin.version}`
  const refuse = (message: string, suggestion: string, processor?: string) =>
    void broken.push(brokenPlugin(plugin, message, [suggestion, ...removeSuggestion(plugin)], processor))
  if (ops.api !== API_VERSION) {
    refuse(
      `The plugin ${label} cannot be used: it requires plugin API ${ops.api ?? '(none)'}, this ops has plugin API ${API_VERSION}.`,
      `update ops, or the plugin: ops plugins update ${plugin.name}`,
    )
    return undefined
  }
  const declared = ops.processors ?? {}
  if (typeof declared !== 'object') {
    refuse(
      `The plugin ${label} cannot be used: "ops.processors" in its package.json must be an object.`,
      'fix its package.json',
    )
    return undefined
  }
  const processors = Object.entries(declared).flatMap(([processor, given]): DeclaredProcessor[] => {
    if (typeof given === 'string') return [{ name: processor, module: given, plugin }]
    const parsed = parseCommandDeclaration(given)
    if ('declaration' in parsed) return [{ name: processor, command: parsed.declaration, plugin }]
    refuse(
      `The processor "${processor}" of ${label} cannot be used: ${parsed.problem}.`,
      `fix "ops.processors.${processor}" in its package.json`,
      processor,
    )
    return []
  })
  return { processors, migrations: typeof ops.migrations === 'string' ? ops.migrations : undefined }
}

function declaredTwice(processor: string, first: Plugin, second: Plugin): BrokenPlugin {
  return brokenPlugin(
    second,
    `The processor "${processor}" is declared by both ${first.name} and ${second.name}.`,
    [`uninstall one of them: ops plugins uninstall ${first.name}`, ...removeSuggestion(second)],
    processor,
  )
}
