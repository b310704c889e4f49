import { relative } from 'node:path'
import { type Answers, interview } from '../output/interview.ts'
import type { Project } from '../project/open-project.ts'
import { parseColumns } from '../scaffold/column-wish.ts'
import { type GenerateOptions, neighbours, pluginDirectory } from '../scaffold/generate-processor.ts'
import { tableNameOf } from '../scaffold/names.ts'
import {
  DEFAULT_COLUMN,
  DEFAULT_PRIORITY,
  keyColumns,
  parseWish,
  processorProblem,
  type TypedWish,
  taskTableProblem,
} from '../scaffold/parse-wish.ts'
import { needEmptyFolder } from '../scaffold/write-plugin.ts'

const NONE = 'none, any number at once'

/**
 * Asks a person for what the command line does not say of a new processor.
 *
 * @returns undefined when they do not want it
 */
export async function askProcessor(
  project: Project,
  typed: Omit<TypedWish, 'name'> & { readonly name: string | undefined },
  options: GenerateOptions,
): Promise<TypedWish | undefined> {
  const known = await neighbours(project, typed.name ?? '')
  // What cannot be is told before anything is asked.
  if (typed.name !== undefined) {
    parseWish({ ...typed, name: typed.name }, known)
    needRoom(typed.name, options)
  }
  const typedColumns = typed.columns
  const nameIn = ({ name = typed.name! }: Answers) => name
  const columnsIn = ({ columns }: Answers) => (columns === undefined ? typedColumns : split(columns))
  const answers = await interview({
    name: () =>
      typed.name === undefined
        ? {
            kind: 'text',
            title: 'Name',
            message: 'The name of the processor',
            check: (name) => processorProblem(name, known) ?? roomProblem(name, options),
          }
        : undefined,
    columns: () =>
      typedColumns.length === 0
        ? {
            kind: 'text',
            title: 'Columns',
            message: 'The columns of a task, as name:type, with ! where required',
            default: DEFAULT_COLUMN,
            check: (columns) => parseColumns(split(columns)).problems[0],
          }
        : undefined,
    table: (answers) =>
      typed.table === undefined
        ? {
            kind: 'text',
            title: 'Table',
            message: 'The table of its tasks',
            default: tableNameOf(nameIn(answers)),
            check: (table) => taskTableProblem(table, known),
          }
        : undefined,
    priority: () =>
      typed.priority === undefined
        ? {
            kind: 'text',
            title: 'Priority',
            message: 'Its priority, the smallest first',
            default: String(DEFAULT_PRIORITY),
            check: (text) => (/^-?\d{1,9}$/.test(text) ? undefined : 'A whole number is expected.'),
          }
        : undefined,
    exclusiveBy: (answers) => {
      const keys = keyColumns(parseColumns(columnsIn(answers)).columns).map(({ key }) => key)
      return typed.exclusiveBy === undefined && keys.length > 0
        ? {
            kind: 'choice',
            title: 'One at a time for each',
            message: 'One task at a time for each value of a column?',
            choices: [NONE, ...keys],
          }
        : undefined
    },
    write: (answers) => ({
      kind: 'yes or no',
      title: 'Write it',
      message: `Write it to ${relative(options.cwd, pluginDirectory(nameIn(answers), options))}?`,
    }),
  })
  if (answers?.write !== 'yes') return undefined
  const { table = typed.table, priority, exclusiveBy = typed.exclusiveBy } = answers
  return {
    name: nameIn(answers),
    columns: columnsIn(answers),
    table,
    priority: priority === undefined ? typed.priority : Number(priority),
    exclusiveBy: exclusiveBy === NONE ? undefined : exclusiveBy,
  }
}

function roomProblem(name: string, options: GenerateOptions): string | undefined {
  try {
    needRoom(name, options)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

function needRoom(name: string, options: GenerateOptions): void {
  if (!options.force) needEmptyFolder(pluginDirectory(name, options))
}

function split(columns: string): string[] {
  return columns.split(/\s+/).filter((text) => text !== '')
}
