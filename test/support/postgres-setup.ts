import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import type { PostgresServer } from './postgres-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the one PostgreSQL of this run is asked for. */
    readonly postgresDesk: string
  }
}

/** Where that PostgreSQL is, or why there is none. */
export type PostgresAnswer = { readonly url: string } | { readonly missing: string }

/** One PostgreSQL for a whole run of tests, started when the first test asks for it and stopped after the last. */
export default async function setup({ vitest }: TestProject): Promise<(() => Promise<void>) | undefined> {
  // Of the several projects that a run may have, the first one opens the desk for all.
  if (vitest.getProvidedContext().postgresDesk !== undefined) return undefined
  let server: Promise<PostgresServer> | undefined
  const desk: Server = createServer(async (_, response) => {
    server ??= import('./postgres-server.ts').then(({ startPostgres }) => startPostgres())
    const answer: PostgresAnswer = await server.then(
      (started) => ({ url: started.url() }),
      (error: Error) => ({ missing: error.message.split('\n')[0]! }),
    )
    response.end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => desk.listen(0, '127.0.0.1', resolve))
  // It must not keep a run alive that has ended.
  desk.unref()
  vitest.provide('postgresDesk', `http://127.0.0.1:${(desk.address() as AddressInfo).port}`)
  return async () => {
    desk.close()
    await (await server?.catch(() => undefined))?.stop()
  }
}
