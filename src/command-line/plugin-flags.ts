import * as Flags from '@oclif/core/flags'

export const migrateFlag = {
  migrate: Flags.boolean({ default: false, summary: 'apply pending migrations afterwards, as ops migrate does' }),
}

/** Flags of the commands that install plugins. */
export const installFlags = {
  ...migrateFlag,
  force: Flags.boolean({
    char: 'f',
    default: false,
    summary: 'replace a working plugin even if the new version is broken',
  }),
  'allow-scripts': Flags.boolean({
    default: false,
    summary: 'run the install scripts of the plugin and its dependencies',
  }),
}
