import type { Command } from '@oclif/core/command'
import { findPlugins } from '../plugins/find-plugins.ts'
import { openProject } from '../project/open-project.ts'
import { columnFlags, oclifFlags } from './column-flags.ts'

/**
 * `ops enqueue` for one processor, with its columns as flags, for `--help`.
 *
 * @throws OpsError UNKNOWN_PROCESSOR or BROKEN_PROCESSOR
 */
export async function describeProcessor(enqueue: Command.Loadable, name: string): Promise<Command.Loadable> {
  const location = { cwd: process.cwd(), env: process.env }
  const project = await openProject({ ...location, ...findPlugins(location) })
  const { processor } = await project.processor(name)
  const flags = oclifFlags(columnFlags(processor.table, Object.keys(enqueue.flags)), { forHelp: true })
  const named = Object.entries(flags).map(([flag, definition]) => [flag, { ...definition, name: flag }])
  return {
    ...enqueue,
    id: `enqueue ${name}`,
    args: {},
    // Summaries of commands are sentences.
    summary: processor.summary?.replace(/\.?$/, '.') ?? `Add a task for ${name}.`,
    description: '',
    examples: [],
    strict: true,
    flags: { ...Object.fromEntries(named), ...enqueue.flags },
  } as unknown as Command.Loadable
}
