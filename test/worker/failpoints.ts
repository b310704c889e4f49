import { describe, expect, it } from 'vitest'
import type { Failpoint } from '../../src/failpoint.ts'
import { processStat } from '../../src/platform/proc.ts'
import { type Kind, kinds } from '../support/kinds.ts'
import { takeAway } from '../support/take-away.ts'
import type { DatabaseKind } from '../support/test-database.ts'
import { TortureProject } from '../support/torture-project.ts'
import { unless } from '../support/unless.ts'
import { until } from '../support/until.ts'

const place = { place: 'here' }
const columns: Record<Kind, Record<string, string | number>> = { note: {}, count: {}, move: place, sync: place }
const everyKind = Object.keys(kinds) as Kind[]

/** One that fails when its worker dies, and one that is retried. */
const victims = ['count', 'sync'] as const

/** Two tasks of each kind, so that one waits for the other's exclusivity key. */
async function filled(database: DatabaseKind): Promise<TortureProject> {
  const project = await TortureProject.on(database)
  for (const kind of [...everyKind, ...everyKind]) await project.add(kind, columns[kind])
  await project.add('sync', { after_id: 2 })
  return project
}

async function work(project: TortureProject, failpoint: `${Failpoint}:${string}`, ...flags: string[]) {
  return project.opsProcessWith({ env: { OPS_FAILPOINT: failpoint } }, 'worker', '--drain', ...flags)
}

async function killed(project: TortureProject, failpoint: Failpoint, ...flags: string[]): Promise<void> {
  const { signal, stdout } = await work(project, `${failpoint}:kill`, ...flags)
  expect(signal, stdout).toBe('SIGKILL')
}

/** Starts another worker, which must settle everything. */
async function decided(project: TortureProject): Promise<void> {
  const { exitCode, stdout } = await project.ops('worker', '--drain')
  expect(exitCode, stdout).toBe(0)
  expect(await project.unsettled()).toEqual([])
  expect(await project.problems()).toEqual([])
  // Other tasks ended as usual.
  for (const kind of everyKind) expect(await project.statusOf(kind, 2)).toBe('succeeded')
  expect(await project.statusOf('sync', 3)).toBe('succeeded')
}

const starts = (project: TortureProject, task: string) =>
  project.marks().filter(({ kind, task: of }) => kind === 'start' && of === task).length

/** What must hold wherever a worker is killed, on every database. */
export function failpointProofs(database: DatabaseKind): void {
  describe(`on ${database.name}`, unless(database.missing), () => {
    describe('a worker that is killed', () => {
      describe.each(victims)('during a %s', (kind) => {
        it('before the claim commits leaves the task pending, and it runs once', async () => {
          const project = await filled(database)
          await killed(project, 'claim.before-commit', '--only', kind)
          expect(await project.statusOf(kind, 1)).toBe('pending')
          expect(await project.runsOf(kind, 1)).toEqual([])
          await decided(project)
          expect(await project.runsOf(kind, 1)).toEqual(['succeeded'])
          expect(starts(project, `${kind} 1`)).toBe(1)
        })

        it.each([
          ['claim.after-commit', 0],
          ['run.before', 0],
          ['run.after', 1],
          ['settle.before-commit', 1],
        ] as const)('at %s leaves a crashed task that had started %i times', async (failpoint, before) => {
          const project = await filled(database)
          await killed(project, failpoint, '--only', kind)
          expect(await project.statusOf(kind, 1)).toBe('ongoing')
          expect(await project.problems()).toEqual([])
          await decided(project)
          expect(await project.runsOf(kind, 1)).toEqual(kind === 'sync' ? ['crashed', 'succeeded'] : ['crashed'])
          expect(starts(project, `${kind} 1`)).toBe(before + (kind === 'sync' ? 1 : 0))
          const [task] = await project.sql(`select status, error from ${kinds[kind]} where id = 1`)
          if (kind === 'sync') expect(task).toEqual({ status: 'succeeded', error: null })
          else expect(task).toEqual({ status: 'failed', error: expect.stringMatching(/^worker \S+ died$/) })
        })
      })

      it.each(victims)('after a %s is settled leaves it succeeded, and it never runs again', async (kind) => {
        const project = await TortureProject.on(database)
        await project.add(kind, columns[kind])
        await killed(project, 'settle.after-commit')
        expect(await project.statusOf(kind, 1)).toBe('succeeded')
        await project.ops('worker', '--drain')
        expect(await project.runsOf(kind, 1)).toEqual(['succeeded'])
        expect(starts(project, `${kind} 1`)).toBe(1)
        expect(await project.problems()).toEqual([])
      })

      it('after settling one task leaves the next one, which it had claimed, as crashed', async () => {
        const project = await TortureProject.on(database)
        await project.add('sync')
        await project.add('sync')
        await killed(project, 'settle.after-commit')
        expect(await project.statusOf('sync', 2)).toBe('ongoing')
        await project.ops('worker', '--drain')
        expect(await project.runsOf('sync', 2)).toEqual(['crashed', 'succeeded'])
        expect(starts(project, 'sync 2')).toBe(1)
        expect(await project.problems()).toEqual([])
      })

      describe.each(victims)('during the recovery of a %s', (kind) => {
        it.each([
          ['recover.before-ending-processes', 'ongoing', 2],
          ['recover.before-commit', 'ongoing', 0],
          ['recover.after-commit', 'decided', 0],
        ] as const)(
          'at %s leaves the task %s and %i of its processes, and the next worker finishes the recovery',
          async (failpoint, state, left) => {
            const project = await filled(database)
            await project.sql(`update ${kinds[kind]} set milliseconds = 60000 where id = 1`)
            const first = project.start('worker', '--only', kind)
            await until(() => starts(project, `${kind} 1`) === 1, 'the task is under way')
            first.kill('SIGKILL')
            await first.exit
            await killed(project, failpoint)
            expect(project.processes()).toHaveLength(left)
            expect((await project.statusOf(kind, 1)) === 'ongoing' ? 'ongoing' : 'decided').toBe(state)
            expect(await project.problems()).toEqual([])
            await project.sql(`update ${kinds[kind]} set milliseconds = 10 where id = 1`)
            await decided(project)
            expect(await project.runsOf(kind, 1)).toEqual(kind === 'sync' ? ['crashed', 'succeeded'] : ['crashed'])
            expect(project.processes()).toEqual([])
          },
        )
      })
    })

    describe('a worker whose database fails', () => {
      it.each(['claim.before-commit', 'settle.before-commit'] as const)(
        'at %s logs the error, continues, and leaves no task behind',
        async (failpoint) => {
          const project = await filled(database)
          const { exitCode, stdout } = await work(project, `${failpoint}:throw`)
          expect(stdout).toContain(`failed at ${failpoint}`)
          expect(exitCode).toBe(0)
          expect(await project.unsettled()).toEqual([])
          expect(await project.problems()).toEqual([])
          for (const kind of everyKind) {
            expect(await project.statusOf(kind, 1)).toBe('succeeded')
            expect(starts(project, `${kind} 1`)).toBe(1)
          }
        },
      )

      it.each(['recover.before-commit', 'recover.after-commit'] as const)(
        'at %s recovers on the next attempt',
        async (failpoint) => {
          const project = await filled(database)
          await killed(project, 'run.before', '--only', 'note')
          const worker = project.startWith({ OPS_FAILPOINT: `${failpoint}:throw` }, 'worker')
          await worker.says(`failed at ${failpoint}`)
          await until(async () => (await project.unsettled()).length === 0, 'everything is decided')
          expect(await project.problems()).toEqual([])
          expect(await project.runsOf('note', 1)).toEqual(['crashed'])
        },
      )
    })

    describe('a worker that is paused by SIGSTOP', () => {
      it.each(['claim.after-commit', 'run.after', 'settle.after-commit'] as const)(
        'at %s keeps its task, and finishes it when it continues',
        async (failpoint) => {
          const project = await filled(database)
          const worker = project.startWith({ OPS_FAILPOINT: `${failpoint}:stop` }, 'worker', '--drain')
          await until(() => isStopped(worker.pid), 'the worker has stopped')
          const { exitCode } = await project.ops('worker', '--drain', '--only', 'note,move,sync')
          expect(exitCode).toBe(0)
          expect((await project.unsettled()).filter((task) => task.endsWith('ongoing'))).toHaveLength(1)
          expect(await project.problems()).toEqual([])
          worker.kill('SIGCONT')
          expect(await worker.exit).toBe(0)
          expect(await project.unsettled()).toEqual([])
          expect(await project.problems()).toEqual([])
          expect(await project.sql('select distinct outcome from ops_runs')).toEqual([{ outcome: 'succeeded' }])
        },
      )

      it('writes nothing when it continues after its run was ended and another one has started', async () => {
        const project = await TortureProject.on(database)
        await project.add('count')
        const late = project.startWith({ OPS_FAILPOINT: 'run.after:stop' }, 'worker')
        await until(() => isStopped(late.pid), 'the worker has stopped')
        await takeAway(project, 'counts', 'failed')
        await project.sql(`update counts set status = 'pending', milliseconds = 60000 where id = 1`)
        const next = project.start('worker')
        await until(() => starts(project, 'count 1') === 2, 'the next run is under way')
        late.kill('SIGCONT')
        await late.event('taken_away', 'count 1')
        expect(await project.runsOf('count', 1)).toEqual(['failed', 'open'])
        expect(await project.statusOf('count', 1)).toBe('ongoing')
        for (const worker of [late, next]) await worker.destroy()
        await project.ops('worker', '--drain')
        expect(await project.runsOf('count', 1)).toEqual(['failed', 'crashed'])
        expect(await project.problems()).toEqual([])
      })
    })
  })
}

function isStopped(pid: number): boolean {
  return processStat(pid)?.state === 'T'
}
