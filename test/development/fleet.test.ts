import { describe, expect, it } from 'vitest'
import {
  advance,
  type Fleet,
  type FleetAction,
  type FleetEvent,
  isFinished,
  newFleet,
} from '../../src/development/fleet.ts'
import { probed, service } from './planned.ts'

/** A fleet that is told one thing after the other, at times of the test's own. */
class Told {
  fleet: Fleet
  now = 0
  actions: FleetAction[] = []

  constructor(...services: Parameters<typeof newFleet>[0]) {
    this.fleet = newFleet(services, 0)
    this.tell({ kind: 'tick' })
  }

  tell(event: FleetEvent, after = 0): this {
    this.now += after
    const { fleet, actions } = advance(this.fleet, event, this.now)
    this.fleet = fleet
    this.actions = [...actions]
    return this
  }

  about(name: string, kind: 'launched' | 'answered' | 'emptied', after = 0): this {
    return this.tell({ kind, name, incarnation: this.life(name).incarnation }, after)
  }

  exits(name: string, status: number, after = 0): this {
    const exit = { status, signal: undefined }
    return this.tell({ kind: 'exited', name, incarnation: this.life(name).incarnation, exit }, after)
  }

  life(name: string) {
    return this.fleet.lives.get(name)!
  }

  phase(name: string) {
    return this.life(name).moment.phase
  }

  /** What is to be done, without what is only told. */
  done(): string[] {
    return this.actions
      .filter((action) => action.do !== 'tell' && action.do !== 'await end' && action.do !== 'abort')
      .map((action) => `${action.do === 'signal' ? action.signal : action.do} ${action.name}#${action.incarnation}`)
  }
}

const up = (...services: Parameters<typeof newFleet>[0]) => {
  const told = new Told(...services)
  for (const { name } of services) told.about(name, 'launched')
  return told
}

describe('a start', () => {
  it('begins with those that depend on nothing, and goes on when what they wait for is there', () => {
    const told = new Told(probed('db'), service('api', { dependsOn: [{ name: 'db', until: 'ready' }] }))
    expect(told.done()).toEqual(['launch db#1'])
    expect(told.about('db', 'launched').done()).toEqual(['probe db#1'])
    expect(told.about('db', 'answered').done()).toEqual(['launch api#1'])
  })

  it('is given up for all when one is not ready in time', () => {
    const told = new Told(probed('db'), service('api')).about('db', 'launched').about('api', 'launched')
    told.tell({ kind: 'tick' }, 30_000)
    expect(told.fleet.failure?.error).toMatchObject({ code: 'SERVICE_NOT_READY' })
    expect(told.done()).toEqual(['SIGTERM db#1', 'SIGTERM api#1'])
  })

  it('of a service that came back is not given up when it is slow', () => {
    const told = new Told(probed('db')).about('db', 'launched').about('db', 'answered')
    told.exits('db', 1, 5000).about('db', 'emptied').tell({ kind: 'tick' }, 1000).about('db', 'launched')
    told.tell({ kind: 'tick' }, 60_000)
    expect([told.phase('db'), told.fleet.isStopping]).toEqual(['starting', false])
    expect(told.about('db', 'answered').phase('db')).toBe('up')
  })
})

describe('news', () => {
  it('of an earlier incarnation are not taken for news of this one', () => {
    const told = up(service('api')).tell({ kind: 'restart', name: 'api' })
    told.about('api', 'emptied')
    expect(told.done()).toEqual(['launch api#2'])
    told.about('api', 'launched')
    told.tell({ kind: 'exited', name: 'api', incarnation: 1, exit: { status: 1, signal: undefined } })
    told.tell({ kind: 'emptied', name: 'api', incarnation: 1 })
    expect([told.phase('api'), told.life('api').hasGroup]).toEqual(['up', true])
  })
})

describe('a restart', () => {
  it('launches when the last process of the one before is gone, and not sooner', () => {
    const told = up(service('api')).tell({ kind: 'restart', name: 'api' })
    expect(told.done()).toEqual(['SIGTERM api#1'])
    expect(told.exits('api', 0).done()).toEqual([])
    expect(told.about('api', 'emptied').done()).toEqual(['launch api#2'])
  })

  it('that is asked for while one is under way is one more', () => {
    const told = up(service('api')).tell({ kind: 'restart', name: 'api' }).about('api', 'emptied')
    told.tell({ kind: 'restart', name: 'api' })
    expect(told.done()).toEqual([])
    expect(told.about('api', 'launched').done()).toEqual(['SIGTERM api#2'])
  })

  it('ends a pause after a failure', () => {
    const told = up(service('api')).exits('api', 1, 2000).about('api', 'emptied')
    expect(told.phase('api')).toBe('pausing')
    expect(told.tell({ kind: 'restart', name: 'api' }).done()).toEqual(['launch api#2'])
  })

  it('that fails leaves the others alone, and can be tried again', () => {
    const told = up(probed('api'), service('web')).about('api', 'answered')
    told.tell({ kind: 'restart', name: 'api' }).about('api', 'emptied').about('api', 'launched').exits('api', 1, 100)
    expect([told.life('api').hasBeenUp, told.fleet.isStopping]).toEqual([true, false])
    told.about('api', 'emptied')
    expect(told.tell({ kind: 'restart', name: 'api' }).done()).toEqual(['launch api#3'])
  })

  it('does not happen while everything is stopped', () => {
    const told = up(service('api')).tell({ kind: 'stop' }).tell({ kind: 'restart', name: 'api' })
    expect(told.about('api', 'emptied').done()).toEqual([])
    expect(isFinished(told.fleet)).toBe(true)
  })
})

describe('a stop', () => {
  const db = service('db')
  const api = service('api', { dependsOn: [{ name: 'db', until: 'started' }] })

  it('asks each once, when nothing that depends on it is left', () => {
    const told = up(db, api).tell({ kind: 'stop' })
    expect(told.done()).toEqual(['SIGTERM api#1'])
    expect(told.tell({ kind: 'stop' }, 100).done()).toEqual([])
    expect(told.about('api', 'emptied').done()).toEqual(['SIGTERM db#1'])
    expect(isFinished(told.about('db', 'emptied').fleet)).toBe(true)
  })

  it('kills what has not ended in its time, and gives up what even that does not end', () => {
    const told = up(db).tell({ kind: 'stop' })
    expect(told.tell({ kind: 'tick' }, 9999).done()).toEqual([])
    expect(told.tell({ kind: 'tick' }, 1).done()).toEqual(['SIGKILL db#1'])
    expect(isFinished(told.tell({ kind: 'tick' }, 5000).fleet)).toBe(true)
  })

  it('by force asks and kills all at once', () => {
    const told = up(db, api).tell({ kind: 'force' })
    expect(told.done().sort()).toEqual(['SIGKILL api#1', 'SIGKILL db#1', 'SIGTERM api#1', 'SIGTERM db#1'])
  })

  it('by force asks a worker again, when it takes that for a second request, and kills it only then', () => {
    const told = up(service('worker', { yieldsWhenAskedTwice: true })).tell({ kind: 'stop' })
    expect(told.tell({ kind: 'force' }, 100).done()).toEqual([])
    expect(told.tell({ kind: 'tick' }, 1100).done()).toEqual(['SIGTERM worker#1'])
    expect(told.tell({ kind: 'tick' }, 5000).done()).toEqual(['SIGKILL worker#1'])
  })

  it('sees a launch through that has begun, so that there is a process to stop', () => {
    const told = new Told(db).tell({ kind: 'stop' })
    expect([told.phase('db'), isFinished(told.fleet)]).toEqual(['launching', false])
    expect(told.about('db', 'launched').done()).toEqual(['SIGTERM db#1'])
  })

  it('ends what a service that has ended has left behind', () => {
    const told = up(db, api).exits('db', 0, 2000)
    expect(told.fleet.isStopping).toBe(false)
    told.tell({ kind: 'stop' }).about('api', 'emptied')
    expect(told.done()).toEqual(['SIGTERM db#1'])
  })
})

describe('the end', () => {
  it('comes when all have ended by themselves', () => {
    const told = up(service('a', { oneshot: true }), service('b'))
      .exits('a', 0)
      .about('a', 'emptied')
      .exits('b', 0)
    expect(isFinished(told.about('b', 'emptied').fleet)).toBe(true)
    expect(told.fleet.failure).toBeUndefined()
  })

  it('does not come while one is watched for changes', () => {
    const told = up(service('a', { oneshot: true, watch: ['/src'] }))
      .exits('a', 0)
      .about('a', 'emptied')
    expect(told.fleet.isStopping).toBe(false)
    expect(told.tell({ kind: 'restart', name: 'a' }).done()).toEqual(['launch a#2'])
  })

  it('is the first failure, whatever fails later', () => {
    const told = up(service('a', { restart: 'never' }), service('b', { restart: 'never' }))
    told.exits('a', 3).exits('b', 4)
    expect(told.fleet.failure?.error).toMatchObject({ oclif: { exit: 3 } })
  })
})
