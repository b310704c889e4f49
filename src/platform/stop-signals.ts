/**
 * The signals by which a process is asked to end: by a supervisor, by Ctrl-C, and when its terminal is closed. (`nohup`
 * changes nothing about the last: Node undoes it at its start, and nobody can tell afterwards.)
 */
export const stopSignals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const
