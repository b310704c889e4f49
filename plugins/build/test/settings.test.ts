import { expect, test } from 'vitest'
import { problemsOf } from '../../../test/support/problems-of.ts'
import { settings } from '../src/settings.ts'

test('the settings are optional', async () => {
  expect(await settings['~standard'].validate(undefined)).toEqual({
    typed: true,
    value: { timeout: '30m', maxArtifact: '5 GB', parallel: false, env: {}, passEnv: [] },
    issues: undefined,
  })
})

test('every problem is reported with its path', async () => {
  expect(await problemsOf(settings, { timeout: 30, artifact: '../x', keep: 0, paralel: true })).toEqual([
    'artifact: expected a path inside the checkout such as "dist", or false, got "../x"',
    'timeout: expected a duration such as "90s" or "10m", got 30',
    'keep: expected a whole number of 1 or more, got 0',
    'paralel: unknown key, did you mean "parallel"?',
  ])
})

test('the settings must be an object', async () => {
  expect(await problemsOf(settings, 'make')).toEqual(['expected an object, got "make"'])
})
