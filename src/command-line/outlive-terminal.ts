/**
 * Takes away oclif's own listener for errors of standard output, which throws what it does not know: a worker whose window
 * is closed would die by the next line that it writes, in the middle of a task. What stays is that of bin/start.js.
 */
export function outliveTerminal(): void {
  for (const listener of process.stdout.listeners('error')) {
    if (listener.name !== 'onOutputError') process.stdout.off('error', listener as () => void)
  }
}
