import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { temporaryFolder } from './temporary-folder.ts'

/** A plugin with one processor, from the source of its module. */
export function writePlugin(name: string, module: string, { api = 1 }: { api?: number } = {}) {
  const plugin = { name: `ops-plugin-${name}`, root: temporaryFolder() }
  const ops = { api, processors: { [name]: `./dist/${name}.js` } }
  const manifest = { name: plugin.name, version: '1.2.3', type: 'module', oclif: {}, ops }
  write(join(plugin.root, 'package.json'), JSON.stringify(manifest))
  write(join(plugin.root, 'src', `${name}.ts`), module)
  return plugin
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
