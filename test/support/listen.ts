import { createInterface } from 'node:readline'

/** For the programs of tests: the lines that the test says. */
export function listen(onLine: (line: string) => void): void {
  createInterface(process.stdin).on('line', onLine)
}
