import * as Flags from '@oclif/core/flags'

/** What the commands that bring a plugin have in common. */
export const changeFlags = {
  migrate: Flags.boolean({
    default: false,
    summary: 'bring the database to what the plugin needs, as ops migrate does',
  }),
  force: Flags.boolean({ char: 'f', default: false, summary: 'replace a plugin that works by one that does not' }),
}

export const scriptsFlag = {
  'allow-scripts': Flags.boolean({
    default: false,
    summary: 'let the plugin, and what it depends on, run their install scripts',
  }),
}
