import { describe, expect, it } from 'vitest'
import { type Plugin, type PluginType, ProcessorRegistry } from '../../src/processor/processor-registry.ts'

function plugin(name: string, ops: unknown, type: PluginType = 'user', version = '1.0.0'): Plugin {
  return { name, version, root: `/plugins/${name}/${version}`, type, manifest: ops === undefined ? {} : { ops } }
}

const email = { api: 1, processors: { email: './dist/email.js' }, migrations: './migrations' }

describe('the registry', () => {
  it('lists what plugins declare, by name', () => {
    const registry = new ProcessorRegistry([
      plugin('ops-plugin-email', { api: 1, processors: { sms: './dist/sms.js', email: './dist/email.js' } }),
      plugin('@ops-cli/plugin-build', { api: 1, processors: { build: './dist/build.js' } }, 'bundled'),
    ])
    expect(registry.problems).toEqual([])
    expect(registry.processors.map(({ name, module, plugin }) => `${name} ${module} ${plugin.name}`)).toEqual([
      'build ./dist/build.js @ops-cli/plugin-build',
      'email ./dist/email.js ops-plugin-email',
      'sms ./dist/sms.js ops-plugin-email',
    ])
  })

  it('passes over plugins that are none of ops', () => {
    const registry = new ProcessorRegistry([plugin('@oclif/plugin-help', undefined), plugin('odd', null)])
    expect(registry).toMatchObject({ processors: [], plugins: [], problems: [] })
  })

  it('takes a plugin that brings migrations alone', () => {
    const registry = new ProcessorRegistry([plugin('ops-plugin-schema', { api: 1, migrations: './migrations' })])
    expect(registry.plugins).toMatchObject([{ shortName: 'schema', migrations: './migrations' }])
    expect(registry.processors).toEqual([])
  })

  it.each([
    ['@ops-cli/plugin-build', 'build'],
    ['ops-plugin-email', 'email'],
    ['@acme/plugin-send-mail', 'send-mail'],
    ['@acme/ops-plugin-mail', 'mail'],
    ['reports', 'reports'],
  ])('calls the settings of %s by the short name %s', (name, shortName) => {
    expect(new ProcessorRegistry([plugin(name, email)]).plugins).toMatchObject([{ shortName }])
  })

  it('finds a processor by its name, and says what there is instead', () => {
    const registry = new ProcessorRegistry([plugin('ops-plugin-email', email)])
    expect(registry.find('email').plugin.name).toBe('ops-plugin-email')
    expect(() => registry.find('emial')).toThrow('Unknown processor "emial". Did you mean "email"?')
    try {
      registry.find('emial')
    } catch (error) {
      expect(error).toMatchObject({
        code: 'UNKNOWN_PROCESSOR',
        oclif: { exit: 2 },
        suggestions: ['use one of: email', expect.stringContaining('ops plugins install')],
      })
    }
  })
})

describe('the version of the contract', () => {
  it.each([
    [2, '2'],
    ['1', '1'],
    [undefined, '(none)'],
  ])('%j is refused, in words, and the other plugins go on', (api, worded) => {
    const registry = new ProcessorRegistry([
      plugin('ops-plugin-email', { ...email, api }),
      plugin('ops-plugin-sms', { api: 1, processors: { sms: './dist/sms.js' } }),
    ])
    expect(registry.problems).toEqual([
      `The plugin ops-plugin-email@1.0.0 speaks version ${worded} of the plugin contract, this ops speaks 1; update one of them.`,
    ])
    expect(registry.processors.map(({ name }) => name)).toEqual(['sms'])
  })
})

describe('a name that two plugins declare', () => {
  const declare = (name: string, type: PluginType) =>
    plugin(name, { api: 1, processors: { email: `./${name}.js` } }, type)

  it('is a problem among equals, and goes to the first', () => {
    const registry = new ProcessorRegistry([declare('ops-plugin-b', 'user'), declare('ops-plugin-a', 'user')])
    expect(registry.problems).toEqual([
      'The processor "email" is declared by both ops-plugin-a and ops-plugin-b; uninstall one of them.',
    ])
    expect(registry.find('email').plugin.name).toBe('ops-plugin-a')
  })

  it.each([
    ['link', 'user'],
    ['link', 'bundled'],
    ['user', 'bundled'],
  ] as const)('goes to the one that is %s before %s', (better, worse) => {
    const registry = new ProcessorRegistry([declare('ops-plugin-a', worse), declare('ops-plugin-b', better)])
    expect(registry.problems).toEqual([])
    expect(registry.find('email').plugin.name).toBe('ops-plugin-b')
  })
})

describe('a plugin that is there twice', () => {
  it('counts once: linked before installed before bundled', () => {
    const copies = (['bundled', 'link', 'user'] as const).map((type) =>
      plugin('@ops-cli/plugin-build', { api: 1, processors: { [type]: './build.js' } }, type),
    )
    const registry = new ProcessorRegistry(copies)
    expect(registry.processors.map(({ name }) => name)).toEqual(['link'])
    expect(registry.plugins).toHaveLength(1)
    expect(registry.problems).toEqual([])
  })
})

describe('a declaration that is neither a path nor a command', () => {
  it('is a problem, and the others of the plugin go on', () => {
    const registry = new ProcessorRegistry([
      plugin('ops-plugin-email', { api: 1, processors: { email: './email.js', sms: 7 } }),
    ])
    expect(registry.problems).toEqual([
      'The plugin ops-plugin-email@1.0.0 declares the processor "sms" with something that is neither a path nor a command.',
    ])
    expect(registry.processors.map(({ name }) => name)).toEqual(['email'])
  })

  it('is a problem where the processors are no object', () => {
    const registry = new ProcessorRegistry([plugin('ops-plugin-email', { api: 1, processors: './email.js' })])
    expect(registry.processors).toEqual([])
    expect(registry.problems).toEqual([
      'The plugin ops-plugin-email@1.0.0 declares its processors with something that is no object.',
    ])
  })
})
