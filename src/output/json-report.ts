import type { ServiceReport } from '../development/service-report.ts'

/** Writes what services say and do as lines of JSON. */
export function jsonReport(write: (text: string) => void): ServiceReport {
  const put = (event: object) => write(`${JSON.stringify({ at: new Date().toISOString(), ...event })}\n`)
  return {
    output(service, text, stream) {
      const at = new Date().toISOString()
      const lines = text.slice(0, -1).split('\n')
      write(lines.map((line) => `${JSON.stringify({ at, service, stream, line })}\n`).join(''))
    },
    state: (service, state, detail) => put({ service, state, ...(detail !== undefined && { detail }) }),
    stillStopping: (services) => services.length > 0 && put({ stillStopping: services }),
  }
}
