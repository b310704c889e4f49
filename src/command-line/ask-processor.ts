import { relative } from 'node:path'
import { type Answers, interview } from '../output/interview.ts'
import type { Project } from '../project/open-project.ts'
import { type GenerateOptions, pluginDirectory, takenNames } from '../scaffold/generate-processor.ts'
import { tableNameOf } from '../scaffold/names.ts'
import { requireEmptyFolder } from '../scaffold/plugin-files.ts'
import {
  DEFAULT_COLUMN,
  DEFAULT_PRIORITY,
  keyColumns,
  type ProcessorArguments,
  parseColumns,
  parseProcessorSpec,
  processorProblem,
  taskTableProblem,
} from '../scaffold/processor-spec.ts'

const NONE = 'no limit'

/**
 * Asks for what the command line leaves open about a new processor.
 *
 * @returns undefined if the user declines
 */
export async function askProcessor(
  project: Project,
  given: Omit<ProcessorArguments, 'name'> & { readonly name: string | undefined },
  options: GenerateOptions,
): Promise<ProcessorArguments | undefined> {
  const taken = await takenNames(project, given.name ?? '')
  // Problems are reported before the first question.
  if (given.name !== undefined) {
    parseProcessorSpec({ ...given, name: given.name }, taken)
    requireRoom(given.name, options)
  }
  const nameIn = ({ name = given.name! }: Answers) => name
  const columnsIn = ({ columns }: Answers) => (columns === undefined ? given.columns : split(columns))
  const answers = await interview({
    name: () =>
      given.name === undefined
        ? {
            kind: 'text',
            title: 'Name',
            message: 'Name of the processor',
            check: (name) => processorProblem(name, taken) ?? roomProblem(name, options),
          }
        : undefined,
    columns: () =>
      given.columns.length === 0
        ? {
            kind: 'text',
            title: 'Columns',
            message: 'Columns, as name:type, with ! if required',
            default: DEFAULT_COLUMN,
            check: (columns) => parseColumns(split(columns)).problems[0],
          }
        : undefined,
    table: (answers) =>
      given.table === undefined
        ? {
            kind: 'text',
            title: 'Table',
            message: 'Task table',
            default: tableNameOf(nameIn(answers)),
            check: (table) => taskTableProblem(table, taken),
          }
        : undefined,
    priority: () =>
      given.priority === undefined
        ? {
            kind: 'text',
            title: 'Priority',
            message: 'Priority, the smallest number first',
            default: String(DEFAULT_PRIORITY),
            check: (text) => (/^-?\d{1,9}$/.test(text) ? undefined : 'Expected a whole number.'),
          }
        : undefined,
    exclusiveBy: (answers) => {
      const keys = keyColumns(parseColumns(columnsIn(answers)).columns).map(({ key }) => key)
      return given.exclusiveBy === undefined && keys.length > 0
        ? {
            kind: 'choice',
            title: 'Exclusive by',
            message: 'Run one task at a time for each value of a column?',
            choices: [NONE, ...keys],
          }
        : undefined
    },
    write: (answers) => ({
      kind: 'yes or no',
      title: 'Create',
      message: `Create ${relative(options.cwd, pluginDirectory(nameIn(answers), options))}?`,
    }),
  })
  if (answers?.write !== 'yes') return undefined
  const { table = given.table, priority, exclusiveBy = given.exclusiveBy } = answers
  return {
    name: nameIn(answers),
    columns: columnsIn(answers),
    table,
    priority: priority === undefined ? given.priority : Number(priority),
    exclusiveBy: exclusiveBy === NONE ? undefined : exclusiveBy,
  }
}

function roomProblem(name: string, options: GenerateOptions): string | undefined {
  try {
    requireRoom(name, options)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

function requireRoom(name: string, options: GenerateOptions): void {
  if (!options.force) requireEmptyFolder(pluginDirectory(name, options))
}

function split(columns: string): string[] {
  return columns.split(/\s+/).filter((text) => text !== '')
}
