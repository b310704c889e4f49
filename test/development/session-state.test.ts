import { describe, expect, it } from 'vitest'
import {
  advance,
  initialSession,
  isFinished,
  type SessionAction,
  type SessionEvent,
  type SessionState,
} from '../../src/development/session-state.ts'
import { probed, service } from './planned.ts'

/** A session that is sent one event after another, with a clock of its own. */
class TestSession {
  state: SessionState
  now = 0
  actions: SessionAction[] = []

  constructor(...services: Parameters<typeof initialSession>[0]) {
    this.state = initialSession(services, 0)
    this.send({ kind: 'tick' })
  }

  send(event: SessionEvent, after = 0): this {
    this.now += after
    const { state, actions } = advance(this.state, event, this.now)
    this.state = state
    this.actions = [...actions]
    return this
  }

  report(name: string, kind: 'launched' | 'probe_succeeded' | 'group_emptied', after = 0): this {
    return this.send({ kind, name, generation: this.service(name).generation }, after)
  }

  exits(name: string, status: number, after = 0): this {
    const exit = { exitCode: status, signal: undefined }
    return this.send({ kind: 'exited', name, generation: this.service(name).generation, exit }, after)
  }

  service(name: string) {
    return this.state.states.get(name)!
  }

  phase(name: string) {
    return this.service(name).phase.name
  }

  /** The launches, probes and signals. */
  done(): string[] {
    return this.actions
      .filter((action) => action.do !== 'report' && action.do !== 'await_empty_group' && action.do !== 'abort')
      .map((action) => `${action.do === 'signal' ? action.signal : action.do} ${action.name}#${action.generation}`)
  }
}

const up = (...services: Parameters<typeof initialSession>[0]) => {
  const session = new TestSession(...services)
  for (const { name } of services) session.report(name, 'launched')
  return session
}

describe('a start', () => {
  it('begins with services without dependencies, and continues as those become ready', () => {
    const session = new TestSession(probed('db'), service('api', { dependsOn: [{ name: 'db', until: 'ready' }] }))
    expect(session.done()).toEqual(['launch db#1'])
    expect(session.report('db', 'launched').done()).toEqual(['probe db#1'])
    expect(session.report('db', 'probe_succeeded').done()).toEqual(['launch api#1'])
  })

  it('fails for all services when one is not ready in time', () => {
    const session = new TestSession(probed('db'), service('api')).report('db', 'launched').report('api', 'launched')
    session.send({ kind: 'tick' }, 30_000)
    expect(session.state.failure?.error).toMatchObject({ code: 'SERVICE_NOT_READY' })
    expect(session.done()).toEqual(['SIGTERM db#1', 'SIGTERM api#1'])
  })

  it('does not fail for a restarted service that is slow', () => {
    const session = new TestSession(probed('db')).report('db', 'launched').report('db', 'probe_succeeded')
    session.exits('db', 1, 5000).report('db', 'group_emptied').send({ kind: 'tick' }, 1000).report('db', 'launched')
    session.send({ kind: 'tick' }, 60_000)
    expect([session.phase('db'), session.state.isStopping]).toEqual(['starting', false])
    expect(session.report('db', 'probe_succeeded').phase('db')).toBe('up')
  })
})

describe('an event', () => {
  it('about an earlier generation is ignored', () => {
    const session = up(service('api')).send({ kind: 'restart', name: 'api' })
    session.report('api', 'group_emptied')
    expect(session.done()).toEqual(['launch api#2'])
    session.report('api', 'launched')
    session.send({ kind: 'exited', name: 'api', generation: 1, exit: { exitCode: 1, signal: undefined } })
    session.send({ kind: 'group_emptied', name: 'api', generation: 1 })
    expect([session.phase('api'), session.service('api').hasGroup]).toEqual(['up', true])
  })
})

describe('a restart', () => {
  it('launches when the last process of the previous generation is gone, and not sooner', () => {
    const session = up(service('api')).send({ kind: 'restart', name: 'api' })
    expect(session.done()).toEqual(['SIGTERM api#1'])
    expect(session.exits('api', 0).done()).toEqual([])
    expect(session.report('api', 'group_emptied').done()).toEqual(['launch api#2'])
  })

  it('requested during a restart is another restart', () => {
    const session = up(service('api')).send({ kind: 'restart', name: 'api' }).report('api', 'group_emptied')
    session.send({ kind: 'restart', name: 'api' })
    expect(session.done()).toEqual([])
    expect(session.report('api', 'launched').done()).toEqual(['SIGTERM api#2'])
  })

  it('ends a backoff', () => {
    const session = up(service('api')).exits('api', 1, 2000).report('api', 'group_emptied')
    expect(session.phase('api')).toBe('backoff')
    expect(session.send({ kind: 'restart', name: 'api' }).done()).toEqual(['launch api#2'])
  })

  it('that fails leaves the others alone, and can be repeated', () => {
    const session = up(probed('api'), service('web')).report('api', 'probe_succeeded')
    session
      .send({ kind: 'restart', name: 'api' })
      .report('api', 'group_emptied')
      .report('api', 'launched')
      .exits('api', 1, 100)
    expect([session.service('api').wasUp, session.state.isStopping]).toEqual([true, false])
    session.report('api', 'group_emptied')
    expect(session.send({ kind: 'restart', name: 'api' }).done()).toEqual(['launch api#3'])
  })

  it('does not happen during a stop', () => {
    const session = up(service('api')).send({ kind: 'stop' }).send({ kind: 'restart', name: 'api' })
    expect(session.report('api', 'group_emptied').done()).toEqual([])
    expect(isFinished(session.state)).toBe(true)
  })
})

describe('a stop', () => {
  const db = service('db')
  const api = service('api', { dependsOn: [{ name: 'db', until: 'started' }] })

  it('signals each service once, when its dependents are gone', () => {
    const session = up(db, api).send({ kind: 'stop' })
    expect(session.done()).toEqual(['SIGTERM api#1'])
    expect(session.send({ kind: 'stop' }, 100).done()).toEqual([])
    expect(session.report('api', 'group_emptied').done()).toEqual(['SIGTERM db#1'])
    expect(isFinished(session.report('db', 'group_emptied').state)).toBe(true)
  })

  it('kills a service after its stopTimeout, and gives up on what survives that', () => {
    const session = up(db).send({ kind: 'stop' })
    expect(session.send({ kind: 'tick' }, 9999).done()).toEqual([])
    expect(session.send({ kind: 'tick' }, 1).done()).toEqual(['SIGKILL db#1'])
    expect(isFinished(session.send({ kind: 'tick' }, 5000).state)).toBe(true)
  })

  it('signals and kills everything at once when forced', () => {
    const session = up(db, api).send({ kind: 'force' })
    expect(session.done().sort()).toEqual(['SIGKILL api#1', 'SIGKILL db#1', 'SIGTERM api#1', 'SIGTERM db#1'])
  })

  it('sends a worker a second signal when forced, and kills it only after that', () => {
    const session = up(service('worker', { stopsOnSecondSignal: true })).send({ kind: 'stop' })
    expect(session.send({ kind: 'force' }, 100).done()).toEqual([])
    expect(session.send({ kind: 'tick' }, 1100).done()).toEqual(['SIGTERM worker#1'])
    expect(session.send({ kind: 'tick' }, 5000).done()).toEqual(['SIGKILL worker#1'])
  })

  it('completes a launch that has begun, so that there is a process to stop', () => {
    const session = new TestSession(db).send({ kind: 'stop' })
    expect([session.phase('db'), isFinished(session.state)]).toEqual(['launching', false])
    expect(session.report('db', 'launched').done()).toEqual(['SIGTERM db#1'])
  })

  it('ends processes that an exited service left behind', () => {
    const session = up(db, api).exits('db', 0, 2000)
    expect(session.state.isStopping).toBe(false)
    session.send({ kind: 'stop' }).report('api', 'group_emptied')
    expect(session.done()).toEqual(['SIGTERM db#1'])
  })
})

describe('the end', () => {
  it('comes when all services have ended by themselves', () => {
    const session = up(service('a', { oneshot: true }), service('b'))
      .exits('a', 0)
      .report('a', 'group_emptied')
      .exits('b', 0)
    expect(isFinished(session.report('b', 'group_emptied').state)).toBe(true)
    expect(session.state.failure).toBeUndefined()
  })

  it('does not come while a service is watched for changes', () => {
    const session = up(service('a', { oneshot: true, watch: ['/src'] }))
      .exits('a', 0)
      .report('a', 'group_emptied')
    expect(session.state.isStopping).toBe(false)
    expect(session.send({ kind: 'restart', name: 'a' }).done()).toEqual(['launch a#2'])
  })

  it('is the first failure, whatever fails later', () => {
    const session = up(service('a', { restart: 'never' }), service('b', { restart: 'never' }))
    session.exits('a', 3).exits('b', 4)
    expect(session.state.failure?.error).toMatchObject({ oclif: { exit: 3 } })
  })
})
