import { didYouMean, exitStatus, OpsError } from '../errors.ts'
import { type CommandDeclaration, parseCommandDeclaration } from './command-declaration.ts'
import { API_VERSION } from './define-processor.ts'

/** A plugin as the list of those installed, or the folder of those bundled, knows it. */
export interface Plugin {
  readonly name: string
  readonly version: string
  readonly root: string
  readonly type: PluginType
  /** The parsed package.json. */
  readonly manifest: { readonly ops?: unknown }
  /** The task tables that it had when it was installed or linked, for when it is not there to be asked. */
  readonly tables?: readonly string[] | undefined
}

/** Linked beats installed beats bundled. */
export type PluginType = 'link' | 'user' | 'bundled'

const rank: Readonly<Record<PluginType, number>> = { link: 0, user: 1, bundled: 2 }

/** Whether a plugin, or what it brings, goes before that of another. */
export function comparePlugins(a: Plugin, b: Plugin): number {
  return rank[a.type] - rank[b.type] || a.name.localeCompare(b.name)
}

/** Each plugin once: of one that is bundled and installed anew, say, the better ranked alone counts. */
export function countingPlugins(plugins: readonly Plugin[]): Plugin[] {
  const ranked = [...plugins].sort(comparePlugins)
  return ranked.filter((plugin, index) => ranked.findIndex(({ name }) => name === plugin.name) === index)
}

/** A processor that a plugin declares; nothing of it is imported yet. */
export type DeclaredProcessor = DeclaredModule | DeclaredCommand

export interface DeclaredModule {
  readonly name: string
  /** The module, relative to the plugin. */
  readonly module: string
  readonly plugin: Plugin
}

/** A processor in another language: a program. */
export interface DeclaredCommand {
  readonly name: string
  readonly module?: undefined
  readonly command: CommandDeclaration
  readonly plugin: Plugin
}

/** A plugin that keeps the settings and migrations of its processors. */
export interface ProcessorPlugin extends Plugin {
  /** The name under `plugins` in the configuration: `build` for `@ops-cli/plugin-build` and `ops-plugin-build`. */
  readonly shortName: string
  /** The folder with the migrations, where it has one. */
  readonly migrations: string | undefined
}

/** What is wrong with a plugin, or with one of its declarations. */
export interface BrokenPlugin {
  /** Undefined when the list of plugins itself is. */
  readonly plugin: Plugin | undefined
  /** Undefined when nothing of the plugin can be used. */
  readonly processor?: string
  /** One sentence. */
  readonly problem: string
  /** What to do. */
  readonly suggestion: string
}

/** All processors that plugins declare, and what is wrong with the rest. Reads package.json files and imports nothing. */
export class ProcessorRegistry {
  readonly processors: readonly DeclaredProcessor[]
  readonly plugins: readonly ProcessorPlugin[]
  readonly broken: readonly BrokenPlugin[]

  /** @param broken what is known of plugins that could not even be read */
  constructor(plugins: readonly Plugin[], broken: readonly BrokenPlugin[] = []) {
    const found = new Map<string, DeclaredProcessor>()
    const problems: BrokenPlugin[] = [...broken]
    this.plugins = countingPlugins(plugins).flatMap((plugin) => {
      const declaration = readDeclaration(plugin, problems)
      if (!declaration) return []
      const { processors, migrations } = declaration
      for (const declared of processors) {
        const { name } = declared
        const other = found.get(name)
        if (!other) found.set(name, declared)
        else if (other.plugin.type === plugin.type) problems.push(declaredTwice(name, other.plugin, plugin))
      }
      return [{ ...plugin, shortName: shortName(plugin.name), migrations }]
    })
    this.processors = [...found.values()].sort((a, b) => a.name.localeCompare(b.name))
    this.broken = problems
  }

  /** One sentence each, for the operator. */
  get problems(): readonly string[] {
    return this.broken.map(({ problem }) => problem)
  }

  /** @throws OpsError UNKNOWN_PROCESSOR */
  find(name: string): DeclaredProcessor {
    const declared = this.processors.find((processor) => processor.name === name)
    if (!declared)
      throw unknownProcessor(
        name,
        this.processors.map((processor) => processor.name),
      )
    return declared
  }
}

interface Declaration {
  readonly processors: readonly DeclaredProcessor[]
  readonly migrations: string | undefined
}

function readDeclaration(plugin: Plugin, problems: BrokenPlugin[]): Declaration | undefined {
  const { name, version, manifest } = plugin
  const { ops } = manifest as { ops?: Record<string, unknown> }
  if (typeof ops !== 'object' || ops === null) return undefined
  const refuse = (what: string, suggestion: string, processor?: string) => {
    const problem = `The plugin ${name}@${version} ${what}`
    problems.push({ plugin, problem, suggestion, ...(processor === undefined ? {} : { processor }) })
  }
  const mend = `mend its package.json, or uninstall ${name}`
  if (ops.api !== API_VERSION) {
    const versions = `version ${ops.api ?? '(none)'} of the plugin contract, this ops speaks ${API_VERSION}`
    refuse(`speaks ${versions}; update one of them.`, `ops plugins update ${name}, or update ops`)
    return undefined
  }
  const declared = ops.processors ?? {}
  if (typeof declared !== 'object') {
    refuse('declares its processors with something that is no object.', mend)
    return undefined
  }
  const processors = Object.entries(declared).flatMap(([processor, given]): DeclaredProcessor[] => {
    if (typeof given === 'string') return [{ name: processor, module: given, plugin }]
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      refuse(
        `declares the processor "${processor}" with something that is neither a path nor a command.`,
        mend,
        processor,
      )
      return []
    }
    const parsed = parseCommandDeclaration(given)
    if ('declaration' in parsed) return [{ name: processor, command: parsed.declaration, plugin }]
    refuse(`declares the processor "${processor}" wrongly: ${parsed.problem}.`, mend, processor)
    return []
  })
  return { processors, migrations: typeof ops.migrations === 'string' ? ops.migrations : undefined }
}

function declaredTwice(processor: string, first: Plugin, second: Plugin): BrokenPlugin {
  return {
    plugin: second,
    processor,
    problem: `The processor "${processor}" is declared by both ${first.name} and ${second.name}; uninstall one of them.`,
    suggestion: `ops plugins uninstall ${first.name}, or ops plugins uninstall ${second.name}`,
  }
}

export function shortName(plugin: string): string {
  return plugin.replace(/^@[^/]+\//, '').replace(/^(ops-)?plugin-/, '')
}

function unknownProcessor(name: string, known: readonly string[]): OpsError {
  return new OpsError('UNKNOWN_PROCESSOR', didYouMean(`Unknown processor "${name}".`, name, known), {
    exit: exitStatus.usage,
    suggestions: [
      ...(known.length > 0 ? [`use one of: ${known.join(', ')}`] : []),
      'install the plugin that provides it: ops plugins install <package>',
    ],
  })
}
