import { copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'

const damages: [name: string, damage: (file: string) => void][] = [
  ['is no database', (file) => writeFileSync(file, 'x'.repeat(8192))],
  ['was cut short', (file) => truncateSync(file, 20_000)],
  [
    'has garbage in it',
    (file) => {
      const bytes = readFileSync(file)
      writeFileSync(file, bytes.fill(0xa5, 2048))
    },
  ],
]

describe('a database file that is damaged', () => {
  it.each(damages)('is reported in one sentence because it %s', async (_, damage) => {
    const project = await TestProject.withProbe()
    const file = project.path('.ops/ops.db')
    copyFileSync(file, project.path('backup.db'))
    damage(file)
    for (const args of [
      ['worker', '--drain'],
      ['enqueue', 'script', '--script', 'true'],
    ]) {
      const { exitCode, stderr } = await project.ops(...args)
      expect(exitCode).toBe(1)
      expect(unwrapped(stderr)).toContain(`The database ${file} cannot be used: the file is damaged: `)
    }
    // As the message says.
    copyFileSync(project.path('backup.db'), file)
    for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true })
    expect((await project.ops('worker', '--drain')).exitCode).toBe(0)
  })
})
