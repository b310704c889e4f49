import type { Project } from '../project/open-project.ts'
import type { Finding } from '../queue/finding.ts'

/** By which time zone the schedules go, which is another on the server more often than one thinks. */
export async function examineTimes(project: Project, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const name = 'time zone'
  const machine = Intl.DateTimeFormat().resolvedOptions().timeZone
  const schedules = await project.schedules()
  const zoneless = schedules.filter(({ cron }) => cron.options.timezone === undefined).map((one) => one.name)
  const told = project.config.worker?.env?.TZ
  if (zoneless.length > 0 && env.TZ !== undefined && told === undefined) {
    return [
      {
        name,
        status: 'warning',
        found: `${machine} by TZ of this shell, which no unit has: ${zoneless.join(', ')} would go by another there`,
        remedy: 'give each schedule its timeZone, or the worker TZ in its env',
      },
    ]
  }
  const others = schedules.flatMap((one) =>
    one.cron.options.timezone === undefined ? [] : [`${one.name} by ${one.cron.options.timezone}`],
  )
  const used = schedules.length === 0 ? '; no schedule goes by it' : ''
  return [{ name, status: 'ok', found: [`${told ?? machine}${used}`, ...others].join(', ') }]
}
