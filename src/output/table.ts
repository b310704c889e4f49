import sliceAnsi from 'slice-ansi'
import stringWidth from 'string-width'
import wrapAnsi from 'wrap-ansi'
import { oneLine } from '../format.ts'
import { type Screen, type Style, styled } from './screen.ts'

export interface TableColumn {
  readonly title: string
  readonly align?: 'right'
  /** Left out where all its cells are empty. */
  readonly isOptional?: boolean
  /** Shrinks first on a narrow screen. */
  readonly isFlexible?: boolean
  /** A long cell is wrapped instead of cut. */
  readonly isWrapped?: boolean
  readonly style?: (cell: string) => Style | undefined
}

const GAP = '  '

/** Columns do not shrink further. */
const MIN_WIDTH = 6

/** Rows in aligned columns, cut to the width of the screen. Later rows are aligned with earlier ones. */
export class Table {
  readonly #columns: readonly TableColumn[]
  readonly #screen: Screen
  readonly #widths: number[] = []

  constructor(columns: readonly TableColumn[], screen: Screen) {
    this.#columns = columns
    this.#screen = screen
  }

  render(rows: readonly (readonly (string | undefined)[])[], { hasHeader = true } = {}): string {
    const cells = rows.map((row) => this.#columns.map((_, index) => oneLine(row[index] ?? '')))
    this.#columns.forEach(({ title, isOptional }, index) => {
      let width = this.#widths[index] ?? 0
      for (const row of cells) width = Math.max(width, stringWidth(row[index]!))
      this.#widths[index] = width === 0 && isOptional ? 0 : Math.max(width, hasHeader ? stringWidth(title) : 0)
    })
    const widths = fittingWidths(this.#columns, this.#widths, this.#screen.width)
    const lines = cells.flatMap((row) =>
      this.#wrapped(row, widths).map((part) => this.#line(part, widths, ({ style }, index) => style?.(row[index]!))),
    )
    const titles = this.#columns.map(({ title }) => title)
    return [...(hasHeader ? [this.#line(titles, widths, () => 'dim')] : []), ...lines].join('\n')
  }

  /** A row as the lines that its longest cell needs. */
  #wrapped(cells: readonly string[], widths: readonly number[]): string[][] {
    const parts = cells.map((cell, index) =>
      this.#columns[index]!.isWrapped && widths[index]! > 0
        ? wrapAnsi(cell, widths[index]!, { hard: true }).split('\n')
        : [cell],
    )
    const height = Math.max(...parts.map(({ length }) => length))
    return Array.from({ length: height }, (_, line) => parts.map((part) => part[line] ?? ''))
  }

  #line(
    cells: readonly string[],
    widths: readonly number[],
    style: (column: TableColumn, index: number) => Style | undefined,
  ): string {
    const shown = this.#columns.flatMap((column, index) => (widths[index]! > 0 ? [{ column, index }] : []))
    const last = shown.findLastIndex(({ index }) => cells[index] !== '')
    return shown
      .slice(0, last + 1)
      .map(({ column, index }, place) => {
        const text = cutText(cells[index]!, widths[index]!)
        const space = ' '.repeat(widths[index]! - stringWidth(text))
        const cell = styled(text, style(column, index), this.#screen)
        if (column.align === 'right') return space + cell
        return place === last ? cell : cell + space
      })
      .join(GAP)
  }
}

/** The widths that fit the screen; a column of width 0 is not shown. */
function fittingWidths(
  columns: readonly TableColumn[],
  wanted: readonly number[],
  width: number | undefined,
): number[] {
  const widths = [...wanted]
  if (width === undefined) return widths
  const excess = () => {
    const shown = widths.filter((each) => each > 0)
    return shown.reduce((sum, each) => sum + each, 0) + GAP.length * (shown.length - 1) - width
  }
  // The widest shrinks first; then columns are dropped from the right.
  for (let over = excess(); over > 0; over -= 1) {
    const widest = columns.reduce<number | undefined>((best, { isFlexible }, index) => {
      if (!isFlexible || widths[index]! <= MIN_WIDTH) return best
      return best === undefined || widths[index]! >= widths[best]! ? index : best
    }, undefined)
    if (widest === undefined) break
    widths[widest]! -= 1
  }
  for (let index = widths.length - 1; index > 0 && excess() > 0; index -= 1) widths[index] = 0
  widths[0] = Math.min(widths[0]!, width)
  return widths
}

/** The text, or its beginning and an ellipsis, in no more columns than this. */
export function cutText(text: string, width: number): string {
  if (stringWidth(text) <= width) return text
  return width < 1 ? '' : `${sliceAnsi(text, 0, width - 1).trimEnd()}…`
}
