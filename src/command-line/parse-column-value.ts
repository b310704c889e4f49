import type { TaskColumn } from '../task-table/task-table.ts'

export type ParsedValue = { readonly value: unknown } | { readonly problem: string }

/** Makes a typed text into the value of a column; what the text cannot be is a problem. */
export function parseColumnValue(column: TaskColumn, given: unknown): ParsedValue {
  if (typeof given !== 'string') return { value: given }
  const expected = (what: string): ParsedValue => ({ problem: `must be ${what}, not "${given}"` })
  switch (column.type) {
    case 'text':
      return { value: given }
    case 'enumeration':
      return column.values!.includes(given) ? { value: given } : expected(`one of ${column.values!.join(', ')}`)
    case 'integer':
      return /^[-+]?\d+$/.test(given) && Number.isSafeInteger(Number(given))
        ? { value: Number(given) }
        : expected('a whole number')
    case 'reference':
      return /^\d+$/.test(given) ? { value: Number(given) } : expected(`the id of a task of "${column.target!().name}"`)
    case 'real':
      return given.trim() !== '' && Number.isFinite(Number(given)) ? { value: Number(given) } : expected('a number')
    case 'boolean':
      return given === 'true' || given === 'false' ? { value: given === 'true' } : expected('true or false')
    case 'timestamp': {
      const at = new Date(given)
      return Number.isNaN(at.getTime()) ? expected('an instant such as 2030-01-31T12:00:00Z') : { value: at }
    }
    case 'json':
      try {
        return { value: JSON.parse(given) }
      } catch {
        return expected('JSON')
      }
  }
}
