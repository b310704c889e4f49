import { setTimeout as delay } from 'node:timers/promises'

/** Waits for a fact, and fails when it has not become true after two minutes. */
export async function until(
  isTrue: () => boolean | Promise<boolean>,
  what: string,
  patienceMs = 120_000,
): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`gave up waiting until ${what}`)
    await delay(10)
  }
}
