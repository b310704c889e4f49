import { relative } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'

const SHOWN = Number(process.env.SHOWN ?? 15)

/** Where the time of a run went: the files of tests that took most of it. */
export default class TimeReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const times = modules.map((module) => ({
      file: relative(process.cwd(), module.moduleId),
      seconds: module.diagnostic().duration / 1000,
      cpuSeconds: module.meta().cpuSeconds ?? 0,
    }))
    const cpu = times.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)
    if (times.length < 2) return
    console.log(`\n ${cpu.toFixed(0)} s of processor time in ${times.length} files; most of it (elapsed) in`)
    for (const { file, seconds, cpuSeconds } of times.toSorted((a, b) => b.cpuSeconds - a.cpuSeconds).slice(0, SHOWN)) {
      console.log(`${cpuSeconds.toFixed(1).padStart(7)} s (${seconds.toFixed(1)} s) ${file}`)
    }
  }
}
