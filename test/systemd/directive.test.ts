import { describe, expect, it } from 'vitest'
import { assignment, command, list, milliseconds, path, text, words } from '../../src/systemd/directive.ts'

// That systemd reads them so is shown by escaping.test.ts.
describe('a value in a unit', () => {
  it('is quoted as a whole where it is a variable, and its "$" stays', () => {
    expect(assignment('GREETING', 'say "100%"\tto $HOME\\n')).toBe('"GREETING=say \\"100%%\\"\\tto $HOME\\\\n"')
  })

  it('is one argument of a command, which substitutes nothing', () => {
    expect(command(['/usr/bin/node', 'a b', '$HOME', ''])).toBe(':"/usr/bin/node" "a b" "$HOME" ""')
  })

  it('stands without quotes where it is one path, and with them in a list', () => {
    expect(path('/srv/my shop/100%')).toBe('/srv/my shop/100%%')
    expect(list(['/srv/my shop', '-/srv/"a"'])).toBe('"/srv/my shop" "-/srv/\\"a\\""')
  })

  it('is a time of whole seconds where it can be', () => {
    expect([milliseconds(30_000), milliseconds(1500)]).toEqual(['30s', '1500ms'])
  })

  it('is the least of times where it is none, which systemd would take for ever', () => {
    expect(milliseconds(0)).toBe('1ms')
  })

  it.each(['a\nb', 'ends with \\', ' begins with a space', 'ends with one ', 'a\0b'])(
    'is refused where there is no way to write it: %j',
    (value) => {
      expect(() => path(value)).toThrow('cannot stand in a unit')
      expect(() => text(value)).toThrow('cannot stand in a unit')
      expect(() => list([value])).toThrow('cannot stand in a unit')
    },
  )

  it('is refused where a word is asked for, a program by its path, or a value without NUL', () => {
    expect(() => words('two words')).toThrow('"two words" is not a word')
    expect(() => command(['node', 'api.js'])).toThrow('the absolute path of a program, not "node"')
    expect(() => assignment('A', '\0')).toThrow('NUL')
  })
})
