import { describe, expect, it } from 'vitest'
import { type Program, startProgram } from '../support/start-program.ts'

/** A process of its own: what it emits are the signals of that process. */
function stopper(grace: number): Program {
  return startProgram(`${import.meta.dirname}/stopper.ts`, String(grace))
}

describe('a stop', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'])(
    'begins with %s: nothing more is claimed, and nothing is forced',
    async (signal) => {
      const program = stopper(60_000)
      expect(await program.line()).toBe('listening')
      program.say(`emit ${signal}`)
      expect(await program.line()).toBe(`claiming ${signal}`)
      program.say('show')
      expect(await program.line()).toBe('claiming: true, force: false')
    },
  )

  it('is forced by a second signal after the first second, and once only', async () => {
    const program = stopper(60_000)
    expect(await program.line()).toBe('listening')
    program.say('emit SIGTERM')
    expect(await program.line()).toBe('claiming SIGTERM')
    program.say('emit SIGTERM')
    program.say('emit SIGINT')
    program.say('wait 1050')
    expect(await program.line()).toBe('waited')
    program.say('show')
    expect(await program.line()).toBe('claiming: true, force: false')
    program.say('emit SIGINT')
    expect(await program.line()).toBe('force SIGINT')
    program.say('emit SIGTERM')
    program.say('show')
    expect(await program.line()).toBe('claiming: true, force: true')
  })

  it('is forced when the grace has passed, in the name of the first signal', async () => {
    const program = stopper(50)
    expect(await program.line()).toBe('listening')
    program.say('emit SIGTERM')
    expect(await program.line()).toBe('claiming SIGTERM')
    expect(await program.line()).toBe('force SIGTERM')
  })

  it('keeps no process and no listener once it is disposed of', async () => {
    const program = stopper(60_000)
    expect(await program.line()).toBe('listening')
    program.say('emit SIGTERM')
    expect(await program.line()).toBe('claiming SIGTERM')
    program.say('dispose')
    expect(await program.line()).toBe('0 listeners')
    expect(await program.exit).toBe(0)
  })
})
