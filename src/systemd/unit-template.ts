import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fillLine } from '../fill-template.ts'
import type { Directive } from './directive.ts'

/** What is put into the places of a unit's template. Only directives are, so that nothing gets in unescaped. */
export type UnitValues = Readonly<Record<string, Directive | readonly Directive[] | undefined>>

const folder = join(import.meta.dirname, '..', '..', 'templates', 'systemd')

/**
 * A unit from its template. `include file` inserts another file. A comment explains the directives below it, up to the
 * next comment or empty line; when all of them are left out, so is the comment.
 *
 * @param parts files to include in place of others
 */
export function renderTemplate(name: string, values: UnitValues, parts: Readonly<Record<string, string>> = {}): string {
  const filled = blocks(readTemplate(name, parts)).flatMap(({ comment, lines }) => {
    const kept = lines.flatMap((line) => fillLine(line, values))
    return lines.length > 0 && kept.length === 0 ? [] : [...comment, ...kept]
  })
  return `${filled
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim()}\n`
}

/** Each directive of a unit, with the comment that explains it. */
export function explainUnit(unit: string): { directive: string; explanation: string }[] {
  return blocks(unit).flatMap(({ comment, lines }) =>
    lines
      .filter((line) => line !== '' && !line.startsWith('['))
      .map((directive) => ({ directive, explanation: joinComment(comment) })),
  )
}

/** The lines that systemd acts on. */
export function withoutComments(unit: string): string {
  return unit
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n')
}

interface Block {
  readonly comment: string[]
  readonly lines: string[]
}

function blocks(text: string): Block[] {
  const all: Block[] = [{ comment: [], lines: [] }]
  for (const line of text.trimEnd().split('\n')) {
    const last = all.at(-1)!
    if (line.startsWith('#')) {
      if (last.lines.length > 0) all.push({ comment: [line], lines: [] })
      else last.comment.push(line)
    } else if (line === '' || line.startsWith('[')) {
      all.push({ comment: [], lines: [line] }, { comment: [], lines: [] })
    } else last.lines.push(line)
  }
  return all
}

function readTemplate(name: string, parts: Readonly<Record<string, string>>): string {
  const text = readFileSync(join(folder, parts[name] ?? name), 'utf8')
  return text.replaceAll(/^include (\S+)$/gm, (_, part) => readTemplate(part, parts).trim())
}

function joinComment(comment: readonly string[]): string {
  return comment.map((line) => line.replace(/^# ?/, '')).join(' ')
}
