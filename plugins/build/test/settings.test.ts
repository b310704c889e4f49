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
    value: { timeout: '30m', parallel: false, env: {}, passEnv: [] },
    issues: undefined,
  })
})

test('every problem of the settings is said, with its place', async () => {
  expect(await problemsOf({ timeout: 30, artifact: '../x', keep: 0, paralel: true })).toEqual([
    'artifact: must be a path inside the checkout, such as "dist"',
    'timeout: must be a duration such as 90s, 30m or 2h',
    'keep: must be at least 1',
    'paralel: is not a setting of build; use command, artifact, timeout, parallel, env, passEnv, install, keep',
  ])
})

test('the settings are an object', async () => {
  expect(await problemsOf('make')).toEqual(['must be an object with settings of build, not "make"'])
})
