import { describe, expect, it } from 'vitest'
import { Table } from '../../src/output/table.ts'

const wide = { width: undefined, isColoured: false }

describe('a table', () => {
  it('aligns its columns with spaces, and leaves none at the end of a line', () => {
    const table = new Table([{ title: 'task' }, { title: 'n', align: 'right' }, { title: 'note' }], wide)
    const rows = [
      ['build 1', '9', ''],
      ['deploy 12', '10', 'no disk'],
    ]
    expect(table.render(rows)).toBe(`task        n  note
build 1     9
deploy 12  10  no disk`)
  })

  it('leaves out a column that is optional and empty', () => {
    const columns = [{ title: 'task' }, { title: 'took', isOptional: true }, { title: 'note', isOptional: true }]
    expect(new Table(columns, wide).render([['build 1', undefined, 'x']])).toBe('task     note\nbuild 1  x')
  })

  it.each([30, 24, 18, 12, 5])('fits a screen of %i columns, where the flexible columns give way', (width) => {
    const columns = [{ title: 'task' }, { title: 'by', isFlexible: true }, { title: 'note', isFlexible: true }]
    const text = new Table(columns, { ...wide, width }).render([
      ['build 1', 'somebody with a long name', 'and many words about nothing at all'],
    ])
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(width)
    expect(text).toContain(width >= 7 ? 'build 1' : 'bui')
  })

  it('gives the room to what is short, and marks what is cut', () => {
    const columns = [
      { title: 'a', isFlexible: true },
      { title: 'b', isFlexible: true },
    ]
    const text = new Table(columns, { ...wide, width: 20 }).render([['short', 'a long text that goes on']])
    expect(text.split('\n')[1]).toBe('short  a long text…')
  })

  it('keeps one row on one line, and the terminal from what is written in it', () => {
    const text = new Table([{ title: 'note' }], wide).render([['one\ntwo\tthree\u001b[31mred\u001b[0m\u0007']])
    expect(text).toBe('note\none two threered')
  })

  it('counts what a terminal draws two columns wide', () => {
    const table = new Table([{ title: 'a' }, { title: 'b' }], wide)
    expect(
      table
        .render([
          ['日本', 'x'],
          ['abcd', 'x'],
          ['🚀ab', 'x'],
        ])
        .split('\n')
        .slice(1),
    ).toEqual(['日本  x', 'abcd  x', '🚀ab  x'])
  })

  it('colours a cell and not the space around it, where colours are wanted', () => {
    const columns = [{ title: 'status', style: (cell: string) => (cell === 'failed' ? ('red' as const) : undefined) }]
    const rows = [['failed'], ['ongoing']]
    expect(new Table(columns, { ...wide, isColoured: true }).render(rows)).toContain('\u001b[31mfailed\u001b[39m\n')
    expect(new Table(columns, wide).render(rows)).toBe('status\nfailed\nongoing')
  })

  it('goes on in the next line where a column is wrapped, with what is beside it left free', () => {
    const columns = [{ title: 'name' }, { title: 'what', isFlexible: true, isWrapped: true }, { title: 'n' }]
    const table = new Table(columns, { width: 20, isColoured: false })
    expect(table.render([['api', 'waits until it answers', '3']])).toBe(
      ['name  what         n', 'api   waits until  3', '      it answers'].join('\n'),
    )
    expect(new Table(columns.slice(1, 2), { width: 8, isColoured: false }).render([['/srv/shop/api']])).toBe(
      ['what', '/srv/sho', 'p/api'].join('\n'),
    )
  })

  it('aligns further rows with those before', () => {
    const table = new Table([{ title: 'a' }, { title: 'b' }], wide)
    expect(table.render([['long one', 'x']])).toBe('a         b\nlong one  x')
    expect(table.render([['s', 'y']], { hasHeader: false })).toBe('s         y')
  })
})
