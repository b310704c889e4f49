import { describe, expect, it } from 'vitest'
import { assignment, command, list, milliseconds, path, text, words } from '../../src/systemd/directive.ts'

// That systemd reads them so is shown by escaping.test.ts.
describe('a value in a unit', () => {
  it('is quoted as a whole if it is a variable, and keeps its "$"', () => {
    expect(assignment('GREETING', 'say "100%"\tto $HOME\\n')).toBe('"GREETING=say \\"100%%\\"\\tto $HOME\\\\n"')
  })

  it('is one argument of a command, without substitution', () => {
    expect(command(['/usr/bin/node', 'a b', '$HOME', ''])).toBe(':"/usr/bin/node" "a b" "$HOME" ""')
  })

  it('is unquoted if it is one path, and quoted in a list', () => {
    expect(path('/srv/my shop/100%')).toBe('/srv/my shop/100%%')
    expect(list(['/srv/my shop', '-/srv/"a"'])).toBe('"/srv/my shop" "-/srv/\\"a\\""')
  })

  it('is a time in whole seconds if possible', () => {
    expect([milliseconds(30_000), milliseconds(1500)]).toEqual(['30s', '1500ms'])
  })

  it('is at least a millisecond, since zero means no limit to systemd', () => {
    expect(milliseconds(0)).toBe('1ms')
  })

  it.each(['a\nb', 'ends with \\', ' begins with a space', 'ends with one ', 'a\0b'])(
    'is refused where there is no way to write it: %j',
    (value) => {
      expect(() => path(value)).toThrow('cannot be written in a unit')
      expect(() => text(value)).toThrow('cannot be written in a unit')
      expect(() => list([value])).toThrow('cannot be written in a unit')
    },
  )

  it('is refused if it is not a word, an absolute path or a value without NUL', () => {
    expect(() => words('two words')).toThrow('expected a word, got "two words"')
    expect(() => command(['node', 'api.js'])).toThrow('expected the absolute path of a program, got "node"')
    expect(() => assignment('A', '\0')).toThrow('NUL')
  })
})
