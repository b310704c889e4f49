import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import type { PostgresServer } from './postgres-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the one PostgreSQL of this run is asked for. */
    readonly postgresPort: number
  }
}

/** One PostgreSQL for a whole run of tests, started when the first test asks for it and stopped after the last. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let server: Promise<PostgresServer> | undefined
  const desk: Server = createServer(async (_, response) => {
    server ??= import('./postgres-server.ts').then(({ startPostgres }) => startPostgres())
    response.end(await server.then(({ port }) => String(port), String))
  })
  await new Promise<void>((resolve) => desk.listen(0, '127.0.0.1', resolve))
  // It must not keep a run alive that has ended.
  desk.unref()
  project.provide('postgresPort', (desk.address() as AddressInfo).port)
  return async () => {
    desk.close()
    await (await server?.catch(() => undefined))?.stop()
  }
}
