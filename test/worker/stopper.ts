/** Makes a stop, and says what becomes of it. `emit <signal>`, `wait <ms>`, `show`, `dispose`. */

import { stopOnSignals } from '../../src/worker/stop.ts'
import { listen } from '../support/listen.ts'

const stop = stopOnSignals(Number(process.argv[2]), (step, signal) => console.log(`${step} ${signal}`))

listen((line) => {
  const [command, value] = line.split(' ')
  if (command === 'emit') process.emit(value as NodeJS.Signals, value as NodeJS.Signals)
  if (command === 'wait') setTimeout(() => console.log('waited'), Number(value))
  if (command === 'show') console.log(`claiming: ${stop.claiming.aborted}, force: ${stop.force.aborted}`)
  if (command === 'dispose') {
    stop.dispose()
    console.log(`${process.listenerCount('SIGTERM') + process.listenerCount('SIGINT')} listeners`)
    process.stdin.destroy()
  }
})
console.log('listening')
