import type { Initialized } from '../scaffold/init-project.ts'

export function initializedInWords({ file, source, services, notes, isIgnored }: Initialized): string {
  const what =
    source === undefined
      ? `${file} is written, with an example to fill in.`
      : `${file} is written, with ${services.length === 1 ? 'the service' : 'the services'} of ${source}: ${services.join(', ')}.`
  return [
    what,
    ...notes.map((note) => `- ${note}`),
    ...(isIgnored ? ['.gitignore has .ops now, where state is kept.'] : []),
    source === undefined ? 'Then: ops start-services' : 'Look it over, then: ops start-services',
  ].join('\n')
}
