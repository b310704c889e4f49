import { statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseSize } from '../../src/config/size.ts'
import { TaskLog } from '../../src/worker/task-log.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { probePlugin, TestProject } from '../support/test-project.ts'
import { until } from '../support/until.ts'

const LIMIT = 2_000_000

/** Nothing more is left out after that. */
const UNTIL_CUT = `n=0; until [ "$(stat -c %s "$log")" -le ${LIMIT} ] || [ $((n += 1)) -gt 500 ]; do sleep 0.01; done`

function openProject(): TestProject {
  const project = TestProject.withConfig({ worker: { maxLog: '2 MB' }, plugins: { exec: {} } })
  project.linkHere({ name: 'ops-plugin-probe', root: probePlugin })
  return project
}

describe('the log of a task', () => {
  it('keeps the beginning and the end of a program that prints without an end', async () => {
    const project = openProject()
    await project.ops('migrate')
    // Until something was left out, so that it does not depend on the speed of the machine, nor fill the disk where nothing is.
    const script = `log=$(readlink /proc/$$/fd/1); echo first; yes 0123456789 &
      n=0; until grep -q '^── about' "$log" || [ $((n += 1)) -gt 500 ]; do sleep 0.01; done; kill $!; wait $! 2>/dev/null; ${UNTIL_CUT}; echo last; exit 3`
    await project.ops('enqueue', 'exec', '--command', script)
    await project.ops('worker', '--drain')
    const file = project.path('.ops/logs/commands/1.1.log')
    expect(statSync(file).size).toBeLessThan(LIMIT)
    const text = project.read('.ops/logs/commands/1.1.log')
    expect(text).toContain('\nfirst\n0123456789\n')
    expect(text).toMatch(/^── about .+ left out: a log is at most 2\.0 MB long \(worker\.maxLog\)$/m)
    expect(text.match(/left out/g)!.length).toBeLessThanOrEqual(2)
    expect(text.trimEnd()).toMatch(/last$/)
    expect(project.value('select output_tail from commands')).toMatch(/last$/)
  })

  it('is bounded for a processor that logs in a loop without a pause', () => {
    const log = new TaskLog(`${temporaryFolder()}/1.1.log`, LIMIT)
    for (let line = 0; line < 200_000; line += 1) log.write(`line ${line} ${'x'.repeat(90)}`)
    const whileOpen = statSync(log.file).size
    log.close()
    expect(whileOpen).toBeLessThan(2 * LIMIT)
    expect(statSync(log.file).size).toBeLessThan(LIMIT)
  })

  it('can be followed across what is left out', async () => {
    const project = openProject()
    await project.ops('migrate')
    const script = `log=$(readlink /proc/$$/fd/1); yes 0123456789 &
      n=0; until grep -q '^── about' "$log" || [ $((n += 1)) -gt 500 ]; do sleep 0.01; done; kill $!; wait $! 2>/dev/null; ${UNTIL_CUT}; echo the very last`
    await project.ops('enqueue', 'exec', '--command', script)
    const worker = project.start('worker', '--drain')
    await until(() => project.read('.ops/logs/commands/1.1.log') !== '', 'it prints')
    const { stdout } = await project.opsProcess('tasks', 'logs', 'exec', '1', '--follow')
    expect(stdout).toContain('the very last')
    await worker.exit
  })

  it.each(['100', '1 XB', '0 MB', '-1 MB', ''])('has no size such as %j', (text) => {
    expect(() => parseSize(text, 'worker.maxLog')).toThrow(/^worker\.maxLog: expected a size such as "100 MB"/)
  })
})
