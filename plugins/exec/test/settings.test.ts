import { expect, test } from 'vitest'
import { settings } from '../src/settings.ts'

async function problemsOf(value: unknown): Promise<readonly string[]> {
  const { issues = [] } = await settings['~standard'].validate(value)
  return issues.map(({ message, path = [] }) =>
    [...path.map((key) => String(typeof key === 'object' ? key.key : key)), message].join(': '),
  )
}

test('the settings may be left out', async () => {
  expect(await settings['~standard'].validate(undefined)).toEqual({
    typed: true,
    value: { shell: '/bin/sh', env: {}, passEnv: [] },
    issues: undefined,
  })
})

test('every problem of the settings is said, with its place', async () => {
  expect(await problemsOf({ timeout: 30, shell: '', timeOut: '1m' })).toEqual([
    'timeout: must be a duration such as 90s, 30m or 2h',
    'shell: must not be empty',
    'timeOut: is not a setting of exec; use timeout, shell, env, passEnv',
  ])
})
