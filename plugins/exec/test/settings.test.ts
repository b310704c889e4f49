import { expect, test } from 'vitest'
import { problemsOf } from '../../../test/support/problems-of.ts'
import { settings } from '../src/settings.ts'

test('the settings are optional', async () => {
  expect(await settings['~standard'].validate(undefined)).toEqual({
    typed: true,
    value: { shell: '/bin/sh', env: {}, passEnv: [] },
    issues: undefined,
  })
})

test('every problem is reported with its path', async () => {
  expect(await problemsOf(settings, { timeout: 30, shell: '', timeOut: '1m' })).toEqual([
    'timeout: expected a duration such as "90s" or "10m", got 30',
    'shell: expected a string that is not empty, got ""',
    'timeOut: unknown key, did you mean "timeout"?',
  ])
})
