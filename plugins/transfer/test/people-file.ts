import { closeSync, openSync, writeSync } from 'node:fs'

export const PEOPLE = 'create table people (id integer, name text not null, email text, age integer, joined_at integer)'

/** Writes a CSV file with this many people. */
export function writePeople(path: string, rows: number): void {
  const file = openSync(path, 'w')
  let text = 'id,name,email,age,joined_at\n'
  for (let id = 1; id <= rows; id++) {
    text += `${id},"Person ${id}, the ${id % 7}th",person${id}@example.com,${id % 11 === 0 ? '' : id % 90},2026-0${1 + (id % 9)}-1${id % 10}T12:00:00Z\n`
    if (text.length > 1_000_000 || id === rows) {
      writeSync(file, text)
      text = ''
    }
  }
  closeSync(file)
}
