import type { Command } from '@oclif/core/command'
import { openProject } from '../project/open-project.ts'
import { columnFlags, oclifFlags } from './column-flags.ts'
import { knownPlugins } from './known-plugins.ts'

/**
 * `ops enqueue` as the command of one processor, for its help.
 *
 * @throws OpsError UNKNOWN_PROCESSOR or BROKEN_PROCESSOR
 */
export async function describeProcessor(enqueue: Command.Loadable, name: string): Promise<Command.Loadable> {
  const project = await openProject({ cwd: process.cwd(), env: process.env, ...knownPlugins(undefined) })
  const { processor } = await project.processor(name)
  const flags = oclifFlags(columnFlags(processor.table, Object.keys(enqueue.flags)), { forHelp: true })
  const named = Object.entries(flags).map(([flag, definition]) => [flag, { ...definition, name: flag }])
  return {
    ...enqueue,
    id: `enqueue ${name}`,
    args: {},
    summary: processor.summary ?? `Add a task of ${name}.`,
    description: '',
    examples: [],
    strict: true,
    flags: { ...Object.fromEntries(named), ...enqueue.flags },
  } as unknown as Command.Loadable
}
