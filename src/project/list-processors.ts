import type { TaskTableMissingError } from '../errors.ts'
import type { ExclusiveBy } from '../processor/define-processor.ts'
import type { BrokenPlugin, DeclaredProcessor, Plugin } from '../processor/processor-registry.ts'
import type { ReadyProcessor } from '../processor/ready-processor.ts'
import type { FailedProcessor, Project } from './open-project.ts'
import { unmadeTables } from './unmade-tables.ts'

/** Where a plugin comes from, in the words of those who use it. */
export type PluginSource = 'linked' | 'installed' | 'bundled'

export interface ListedProcessor {
  readonly name: string
  readonly plugin: string
  readonly version: string
  readonly source: PluginSource
  readonly summary: string | null
  /** Null where it takes an import to know, and that failed. */
  readonly table: string | null
  readonly priority: number | null
  /** The key and the column by whose values it is exclusive. */
  readonly exclusiveBy: ExclusiveBy | null
  /** Whether there is one task of it at a time. */
  readonly exclusive: boolean
  /** Why it cannot be used; null when it can. */
  readonly problem: ListedProblem | null
}

export interface ListedProblem {
  readonly code: string
  readonly message: string
  readonly suggestions: readonly string[]
}

/** What is wrong with a plugin beyond a single processor. */
export interface PluginProblem extends ListedProblem {
  /** Null when it is the list of plugins that cannot be read. */
  readonly plugin: string | null
}

export interface ListedProcessors {
  /** In the order of their priorities, then those that cannot be imported by name. */
  readonly processors: readonly ListedProcessor[]
  readonly problems: readonly PluginProblem[]
}

/** Imports every processor, and says of each what it is or why it cannot be used. */
export async function listProcessors(project: Project): Promise<ListedProcessors> {
  const { ready, failed } = await project.processors()
  const unmade = await unmadeTables(project, ready)
  const undeclared = project.registry.broken.filter(({ processor }) => processor !== undefined)
  const broken = [...failed.map(failedProcessor), ...undeclared.map(undeclaredProcessor)]
  broken.sort((a, b) => a.name.localeCompare(b.name))
  const imported = ready.map((one) => {
    const { processor } = one.queued
    return importedProcessor(project.registry.find(processor), one, unmade.get(processor))
  })
  return {
    processors: [...imported, ...broken],
    problems: project.registry.broken
      .filter(({ processor }) => processor === undefined)
      .map((one) => ({ plugin: one.plugin?.name ?? null, ...problemOf(one) })),
  }
}

export function sourceOf({ type }: Plugin): PluginSource {
  return type === 'link' ? 'linked' : type === 'user' ? 'installed' : 'bundled'
}

function importedProcessor(
  declared: DeclaredProcessor,
  { processor, queued }: ReadyProcessor,
  error: Error | undefined,
): ListedProcessor {
  const { exclusivity } = queued
  return {
    ...origin(declared.name, declared.plugin),
    summary: processor.summary ?? null,
    table: queued.table.name,
    priority: queued.priority,
    exclusiveBy: exclusivity.kind === 'column' ? { key: exclusivity.name, column: exclusivity.column } : null,
    exclusive: exclusivity.kind === 'table',
    problem: error === undefined ? null : problemIn(error),
  }
}

function failedProcessor({ declared, error }: FailedProcessor): ListedProcessor {
  const table = declared.module === undefined ? declared.command.table : null
  return { ...unknown(declared.name, declared.plugin), table, problem: problemIn(error) }
}

function undeclaredProcessor(one: BrokenPlugin): ListedProcessor {
  return { ...unknown(one.processor!, one.plugin!), problem: problemOf(one) }
}

function unknown(name: string, plugin: Plugin): ListedProcessor {
  const nothing = { summary: null, table: null, priority: null, exclusiveBy: null, exclusive: false, problem: null }
  return { ...origin(name, plugin), ...nothing }
}

function origin(name: string, plugin: Plugin) {
  return { name, plugin: plugin.name, version: plugin.version, source: sourceOf(plugin) }
}

function problemOf({ problem, suggestion }: BrokenPlugin): ListedProblem {
  return { code: 'BROKEN_PLUGIN', message: problem, suggestions: [suggestion] }
}

/** What an error says, and what to do. */
export function problemIn(error: Error): ListedProblem {
  const { code = 'UNEXPECTED', suggestions = [] } = error as { code?: string; suggestions?: readonly string[] }
  return { code, message: error.message, suggestions }
}

/** A program whose table is not there yet works as soon as `ops migrate` has made it. */
export function waitsForMigration({ problem }: ListedProcessor): boolean {
  return problem?.code === ('TASK_TABLE_MISSING' satisfies TaskTableMissingError['code'])
}
