import { dirname, join } from 'node:path'

export const torturePlugin = join(dirname(import.meta.dirname), 'fixtures', 'plugin-torture')

/** The processors of the plugin that leaves marks, with their tables. */
export const kinds = { note: 'notes', count: 'counts', move: 'moves', sync: 'syncs' } as const

export type Kind = keyof typeof kinds

export const allTables = Object.values(kinds)
