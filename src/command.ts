export { formatRelativeTime } from './format.ts'
/** What the commands of plugins import: `@ops-cli/core/command`. */

export * as Args from '@oclif/core/args'
export * as Flags from '@oclif/core/flags'
export type { CommandGroup } from './command-line/help.ts'
export { OpsCommand } from './command-line/ops-command.ts'
export type { Screen, Style } from './output/screen.ts'
export { Table, type TableColumn } from './output/table.ts'
