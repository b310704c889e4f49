import { expect, it } from 'vitest'
import { EventLines } from '../../src/development/event-lines.ts'

const line = (event: object) => `${JSON.stringify({ at: '2030-01-01T12:00:00.000Z', level: 'info', ...event })}\n`

it('shows what events say, and everything else as it is', () => {
  const text = `${line({ event: 'polling', message: 'polling' })}{ no json\n${line({ level: 'error', message: 'bad' })}`
  expect(new EventLines({ isColoured: true }).read(text)).toBe('polling\n{ no json\n\u001b[31mbad\u001b[39m\n')
  expect(new EventLines({ isColoured: false }).read(text)).toBe('polling\n{ no json\nbad\n')
})

it('knows the task that is under way', () => {
  const lines = new EventLines({ isColoured: false })
  lines.read(line({ event: 'started', message: 'build 7 started', task: 'build 7', run: 3 }))
  lines.read(line({ event: 'stopping', message: 'finishing build 7', task: 'build 7' }))
  lines.read(line({ event: 'recovered', message: 'build 6 recovered', task: 'build 6', run: 2 }))
  expect(lines.task).toMatchObject({ name: 'build 7', since: new Date('2030-01-01T12:00:00Z') })
  lines.read(line({ event: 'succeeded', message: 'build 7 succeeded', task: 'build 7', run: 3 }))
  expect(lines.task).toBeUndefined()
})
