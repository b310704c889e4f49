import { describe, expect, it } from 'vitest'
import { type Program, startProgram } from '../support/start-program.ts'

/** A separate process, since it emits signals. */
function stopper(grace: number): Program {
  return startProgram(`${import.meta.dirname}/stopper.ts`, String(grace))
}

describe('a stop', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'])('is requested by %s, and not yet forced', async (signal) => {
    const program = stopper(60_000)
    expect(await program.line()).toBe('listening')
    program.say(`emit ${signal}`)
    expect(await program.line()).toBe(`requested ${signal}`)
    program.say('show')
    expect(await program.line()).toBe(`requested: ${signal}, forced: no`)
  })

  it('is forced once, by a second signal after the first second', async () => {
    const program = stopper(60_000)
    expect(await program.line()).toBe('listening')
    program.say('emit SIGTERM')
    expect(await program.line()).toBe('requested SIGTERM')
    program.say('emit SIGTERM')
    program.say('emit SIGINT')
    program.say('wait 1050')
    expect(await program.line()).toBe('waited')
    program.say('show')
    expect(await program.line()).toBe('requested: SIGTERM, forced: no')
    program.say('emit SIGINT')
    expect(await program.line()).toBe('forced SIGINT')
    program.say('emit SIGTERM')
    program.say('show')
    expect(await program.line()).toBe('requested: SIGTERM, forced: SIGINT')
  })

  it('is forced by the end of the grace period, with the first signal as the reason', async () => {
    const program = stopper(50)
    expect(await program.line()).toBe('listening')
    program.say('emit SIGTERM')
    expect(await program.line()).toBe('requested SIGTERM')
    expect(await program.line()).toBe('forced SIGTERM')
  })

  it('keeps no process alive and no listener once it is disposed', async () => {
    const program = stopper(60_000)
    expect(await program.line()).toBe('listening')
    program.say('emit SIGTERM')
    expect(await program.line()).toBe('requested SIGTERM')
    program.say('dispose')
    expect(await program.line()).toBe('0 listeners')
    expect(await program.exit).toBe(0)
  })
})
