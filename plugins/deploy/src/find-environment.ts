import * as v from 'valibot'
import { UnknownEnvironmentError } from './errors.ts'
import { nearest } from './nearest.ts'
import type { Environment, Settings } from './settings.ts'

/** @throws UnknownEnvironmentError which names those that there are */
export function findEnvironment({ environments }: Settings, name: string): Environment {
  if (Object.hasOwn(environments, name)) return environments[name]!
  const known = Object.keys(environments)
  throw new UnknownEnvironmentError(name, known, nearest(name, known))
}

/** The environment of a task that somebody adds: a mistyped one is refused before anything is written. */
export function knownEnvironment({ environments }: Settings) {
  const known = Object.keys(environments)
  return v.pipe(
    v.string(),
    v.check(
      (name) => Object.hasOwn(environments, name),
      ({ input }) => new UnknownEnvironmentError(input, known, nearest(input, known)).message,
    ),
  )
}
