/**
 * A row of CSV. Null is nothing, an empty text is `""`, as PostgreSQL has it; what a reader might trim or take for
 * something else is quoted.
 */
export function csvRow(fields: readonly (string | null)[], delimiter: string): string {
  let row = ''
  for (let index = 0; index < fields.length; index++) {
    const text = fields[index]!
    row += index > 0 ? delimiter : ''
    row += text === null ? '' : needsQuotes(text, delimiter) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return `${row}\n`
}

function needsQuotes(text: string, delimiter: string): boolean {
  return text === '' || text.includes(delimiter) || /["\n\r]|^[\s\ufeff]|\s$/.test(text)
}
