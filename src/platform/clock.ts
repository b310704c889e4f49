import { uptime } from 'node:os'

/**
 * Milliseconds by a clock that nobody sets. On Linux it goes on while the machine is suspended (`/proc/uptime`, as
 * CLOCK_BOOTTIME), which `performance.now()` does not: after a suspension, other machines are ahead by that time.
 */
export function steadyNow(): number {
  return process.platform === 'linux' ? uptime() * 1000 : performance.now()
}
