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

/** An identifier as people read it: `timed out` for `timed_out`. */
export function formatName(name: string): string {
  return name.replaceAll('_', ' ')
}

/** The colour of a task's status, or of what became of a run. */
export function statusStyle(status: string): Style | undefined {
  return styles[status.replaceAll(' ', '_')]
}
