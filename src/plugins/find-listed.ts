import { shortName } from '../processor/processor-registry.ts'
import { PluginNotInstalledError } from './plugin-errors.ts'
import type { ListedPlugin } from './plugin-list.ts'

/**
 * A plugin by its name, or by the short name that its settings go by.
 *
 * @param what it must be, for the error: `installed`, `linked`
 * @throws PluginNotInstalledError
 */
export function findListed<Listed extends Pick<ListedPlugin, 'name'>>(
  plugins: readonly Listed[],
  name: string,
  what: string,
): Listed {
  const found = plugins.find((one) => one.name === name) ?? plugins.find((one) => shortName(one.name) === name)
  if (found) return found
  throw new PluginNotInstalledError(
    name,
    what,
    plugins.map((one) => one.name),
  )
}
