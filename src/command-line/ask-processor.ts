import { neighbours } from '../project/generate-processor.ts'
import type { Project } from '../project/open-project.ts'
import { parseColumns } from '../scaffold/column-wish.ts'
import { packageName, tableNameOf } from '../scaffold/names.ts'
import {
  DEFAULT_COLUMN,
  DEFAULT_PRIORITY,
  keyColumns,
  processorProblem,
  type TypedWish,
  taskTableProblem,
} from '../scaffold/parse-wish.ts'
import { type Answers, interview } from '../terminal/interview.ts'

const NONE = 'none, any number at once'

/**
 * Asks a person for what the command line does not say of a new processor.
 *
 * @returns undefined when they do not want it
 */
export async function askProcessor(
  project: Project,
  typed: Omit<TypedWish, 'name'> & { readonly name: string | undefined },
  folder: string,
): Promise<TypedWish | undefined> {
  const known = await neighbours(project, typed.name ?? '')
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
            check: (name) => processorProblem(name, known),
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
      message: `Write it to ${folder}/${packageName(nameIn(answers))}?`,
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

function split(columns: string): string[] {
  return columns.split(/\s+/).filter((text) => text !== '')
}
