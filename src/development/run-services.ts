import type { Control } from './control.ts'
import type { PlannedService } from './planned-service.ts'
import { RunningServices, type Surroundings } from './running-services.ts'

/**
 * Starts the services as their dependencies allow, keeps them running, and stops them in reverse order: when `stop`
 * aborts, when one has failed for good, or when none is left. It returns when nothing of them runs any more.
 *
 * @param onStart is given what others may ask of them
 * @throws OpsError of the first service that failed
 */
export async function runServices(
  planned: readonly PlannedService[],
  surroundings: Surroundings,
  onStart: (control: Control) => void = () => {},
): Promise<void> {
  const running = new RunningServices(planned, surroundings)
  onStart(running)
  await running.run()
}
