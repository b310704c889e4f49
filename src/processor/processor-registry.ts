import { UnknownProcessorError } from '../errors.ts'
import { API_VERSION } from './define-processor.ts'

/** A plugin as oclif, or the folder of bundled plugins, knows it. */
export interface Plugin {
  readonly name: string
  readonly version: string
  readonly root: string
  readonly type: PluginType
  /** The parsed package.json. */
  readonly manifest: { readonly ops?: unknown }
}

/** Linked beats installed beats bundled. */
export type PluginType = 'link' | 'user' | 'bundled'

const rank: Readonly<Record<PluginType, number>> = { link: 0, user: 1, bundled: 2 }

/** A processor that a plugin declares; nothing of it is imported yet. */
export interface DeclaredProcessor {
  readonly name: string
  /** The module, relative to the plugin. */
  readonly module: string
  readonly plugin: Plugin
}

/** A plugin that keeps the settings and migrations of its processors. */
export interface ProcessorPlugin extends Plugin {
  /** The name under `plugins` in the configuration: `build` for `@ops-cli/plugin-build` and `ops-plugin-build`. */
  readonly shortName: string
  /** The folder with the migrations, where it has one. */
  readonly migrations: string | undefined
}

/** All processors that plugins declare, and what is wrong with the rest. Reads package.json files and imports nothing. */
export class ProcessorRegistry {
  readonly processors: readonly DeclaredProcessor[]
  readonly plugins: readonly ProcessorPlugin[]
  /** One sentence each, for the operator. */
  readonly problems: readonly string[]

  constructor(plugins: readonly Plugin[]) {
    const found = new Map<string, DeclaredProcessor>()
    const problems: string[] = []
    const ranked = [...plugins].sort((a, b) => rank[a.type] - rank[b.type] || a.name.localeCompare(b.name))
    // The same plugin bundled and installed anew: the better ranked one alone counts.
    const chosen = ranked.filter((plugin, index) => ranked.findIndex(({ name }) => name === plugin.name) === index)
    this.plugins = chosen.flatMap((plugin) => {
      const declaration = readDeclaration(plugin, problems)
      if (!declaration) return []
      for (const [name, module] of Object.entries(declaration.processors)) {
        const other = found.get(name)
        if (!other) found.set(name, { name, module, plugin })
        else if (other.plugin.type === plugin.type) {
          problems.push(
            `The processor "${name}" is declared by both ${other.plugin.name} and ${plugin.name}; uninstall one of them.`,
          )
        }
      }
      return [{ ...plugin, shortName: shortName(plugin.name), migrations: declaration.migrations }]
    })
    this.processors = [...found.values()].sort((a, b) => a.name.localeCompare(b.name))
    this.problems = problems
  }

  /** @throws UnknownProcessorError */
  find(name: string): DeclaredProcessor {
    const declared = this.processors.find((processor) => processor.name === name)
    if (!declared)
      throw new UnknownProcessorError(
        name,
        this.processors.map((processor) => processor.name),
      )
    return declared
  }
}

interface Declaration {
  processors: Record<string, string>
  migrations: string | undefined
}

function readDeclaration({ name, version, manifest }: Plugin, problems: string[]): Declaration | undefined {
  const { ops } = manifest as { ops?: Record<string, unknown> }
  if (typeof ops !== 'object' || ops === null) return undefined
  if (ops.api !== API_VERSION) {
    problems.push(
      `The plugin ${name}@${version} speaks version ${ops.api ?? '(none)'} of the plugin contract, this ops speaks ${API_VERSION}; update one of them.`,
    )
    return undefined
  }
  const processors: Record<string, string> = {}
  const declared = ops.processors ?? {}
  if (typeof declared !== 'object') {
    problems.push(`The plugin ${name}@${version} declares its processors with something that is no object.`)
    return undefined
  }
  for (const [processor, module] of Object.entries(declared)) {
    if (typeof module === 'string') processors[processor] = module
    else
      problems.push(
        `The plugin ${name}@${version} declares the processor "${processor}" with something that is no path.`,
      )
  }
  return { processors, migrations: typeof ops.migrations === 'string' ? ops.migrations : undefined }
}

function shortName(plugin: string): string {
  return plugin.replace(/^@[^/]+\//, '').replace(/^(ops-)?plugin-/, '')
}
