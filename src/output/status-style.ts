import type { Style } from './screen.ts'

const styles: Readonly<Record<string, Style>> = {
  ongoing: ['bold', 'cyan'],
  succeeded: 'green',
  failed: 'red',
  canceled: 'dim',
  timed_out: 'red',
  crashed: 'red',
  quarantined: 'red',
  interrupted: 'yellow',
  returned: 'yellow',
}

/** The colour of the status of a task or of the outcome of a run. */
export function statusStyle(status: string): Style | undefined {
  return styles[status.replaceAll(' ', '_')]
}
