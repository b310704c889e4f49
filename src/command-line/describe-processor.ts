import type { Command } from '@oclif/core/command'
import type { Config } from '@oclif/core/interfaces'
import { bundledPlugins } from '../processor/bundled-plugins.ts'
import { openProject } from '../project/open-project.ts'
import { columnFlags, oclifFlags } from './column-flags.ts'
import { installedPlugins } from './installed-plugins.ts'

/**
 * `ops enqueue` as the command of one processor, for its help.
 *
 * @throws UnknownProcessorError, BrokenProcessorError
 */
export async function describeProcessor(
  enqueue: Command.Loadable,
  name: string,
  config: Config,
): Promise<Command.Loadable> {
  const plugins = [...bundledPlugins(), ...installedPlugins(config)]
  const project = await openProject({ cwd: process.cwd(), env: process.env, plugins })
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
