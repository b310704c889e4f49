import { describe, expect, it } from 'vitest'
import { type Plugin, type PluginType, ProcessorRegistry } from '../../src/processor/processor-registry.ts'

function plugin(name: string, ops: unknown, type: PluginType = 'user', version = '1.0.0'): Plugin {
  return { name, version, root: `/plugins/${name}/${version}`, type, manifest: ops === undefined ? {} : { ops } }
}

const email = { api: 1, processors: { email: './dist/email.js' }, migrations: './migrations' }

const messages = ({ broken }: ProcessorRegistry) => broken.map(({ problem }) => problem.message)

describe('the registry', () => {
  it('lists what plugins declare, by name', () => {
    const registry = new ProcessorRegistry([
      plugin('ops-plugin-email', { api: 1, processors: { sms: './dist/sms.js', email: './dist/email.js' } }),
      plugin('@ops-cli/plugin-build', { api: 1, processors: { build: './dist/build.js' } }, 'bundled'),
    ])
    expect(messages(registry)).toEqual([])
    expect(registry.processors.map(({ name, module, plugin }) => `${name} ${module} ${plugin.name}`)).toEqual([
      'build ./dist/build.js @ops-cli/plugin-build',
      'email ./dist/email.js ops-plugin-email',
      'sms ./dist/sms.js ops-plugin-email',
    ])
  })

  it('ignores plugins without an ops declaration', () => {
    const registry = new ProcessorRegistry([plugin('@oclif/plugin-help', undefined), plugin('odd', null)])
    expect(registry).toMatchObject({ processors: [], plugins: [], broken: [] })
  })

  it('accepts a plugin with migrations only', () => {
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

  it('finds a processor by name, or lists those that exist', () => {
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

describe('the plugin API version', () => {
  it.each([
    [2, '2'],
    ['1', '1'],
    [undefined, '(none)'],
  ])('%j is refused, and the other plugins keep working', (api, worded) => {
    const registry = new ProcessorRegistry([
      plugin('ops-plugin-email', { ...email, api }),
      plugin('ops-plugin-sms', { api: 1, processors: { sms: './dist/sms.js' } }),
    ])
    expect(messages(registry)).toEqual([
      `The plugin ops-plugin-email@1.0.0 cannot be used: it requires plugin API ${worded}, this ops has plugin API 1.`,
    ])
    expect(registry.processors.map(({ name }) => name)).toEqual(['sms'])
  })
})

describe('a processor that two plugins declare', () => {
  const declare = (name: string, type: PluginType) =>
    plugin(name, { api: 1, processors: { email: `./${name}.js` } }, type)

  it('is a problem for plugins of one type, and belongs to the first', () => {
    const registry = new ProcessorRegistry([declare('ops-plugin-b', 'user'), declare('ops-plugin-a', 'user')])
    expect(messages(registry)).toEqual(['The processor "email" is declared by both ops-plugin-a and ops-plugin-b.'])
    expect(registry.find('email').plugin.name).toBe('ops-plugin-a')
  })

  it.each([
    ['link', 'user'],
    ['link', 'bundled'],
    ['user', 'bundled'],
  ] as const)('belongs to the %s plugin rather than to the %s one', (better, worse) => {
    const registry = new ProcessorRegistry([declare('ops-plugin-a', worse), declare('ops-plugin-b', better)])
    expect(messages(registry)).toEqual([])
    expect(registry.find('email').plugin.name).toBe('ops-plugin-b')
  })
})

describe('a plugin that exists several times', () => {
  it('is active once: linked before installed before bundled', () => {
    const copies = (['bundled', 'link', 'user'] as const).map((type) =>
      plugin('@ops-cli/plugin-build', { api: 1, processors: { [type]: './build.js' } }, type),
    )
    const registry = new ProcessorRegistry(copies)
    expect(registry.processors.map(({ name }) => name)).toEqual(['link'])
    expect(registry.plugins).toHaveLength(1)
    expect(messages(registry)).toEqual([])
  })
})

describe('a declaration that is neither a path nor a command', () => {
  it('is a problem, and the other processors of the plugin keep working', () => {
    const registry = new ProcessorRegistry([
      plugin('ops-plugin-email', { api: 1, processors: { email: './email.js', sms: 7 } }),
    ])
    expect(messages(registry)).toEqual([
      'The processor "sms" of ops-plugin-email@1.0.0 cannot be used: expected the path of a module, or an object with "command" and "table".',
    ])
    expect(registry.processors.map(({ name }) => name)).toEqual(['email'])
  })

  it('is a problem if the processors are not an object', () => {
    const registry = new ProcessorRegistry([plugin('ops-plugin-email', { api: 1, processors: './email.js' })])
    expect(registry.processors).toEqual([])
    expect(messages(registry)).toEqual([
      'The plugin ops-plugin-email@1.0.0 cannot be used: "ops.processors" in its package.json must be an object.',
    ])
  })
})
