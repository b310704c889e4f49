/** Prints the steps of a stop. Reads `emit <signal>`, `wait <ms>`, `show` and `dispose`. */

import { stopOnSignals } from '../../src/platform/stop.ts'
import { listen } from '../support/listen.ts'

const stop = stopOnSignals({
  graceMs: Number(process.argv[2]),
  onStep: (step, signal) => console.log(`${step} ${signal}`),
})

listen((line) => {
  const [command, value] = line.split(' ')
  if (command === 'emit') process.emit(value as NodeJS.Signals, value as NodeJS.Signals)
  if (command === 'wait') setTimeout(() => console.log('waited'), Number(value))
  if (command === 'show') console.log(`requested: ${reason(stop.requested)}, forced: ${reason(stop.forced)}`)
  if (command === 'dispose') {
    stop.dispose()
    console.log(`${process.listenerCount('SIGTERM') + process.listenerCount('SIGINT')} listeners`)
    process.stdin.destroy()
  }
})
console.log('listening')

function reason({ aborted, reason }: AbortSignal): string {
  return aborted ? reason : 'no'
}
