import { exitStatus, OpsError } from '../../errors.ts'
import { openSession } from './open-session.ts'
import type { Session } from './session.ts'

/** The connection goes through a pooler that may use another session for each transaction. */
export class TransactionPoolerError extends OpsError {
  constructor(database: string) {
    super(
      'TRANSACTION_POOLER',
      `${database} is behind a connection pooler in transaction mode, but a worker needs a session of its own for its lock.`,
      {
        exit: exitStatus.configuration,
        suggestions: [
          'use the URL of PostgreSQL itself (port 5432 by default)',
          'use a port of the pooler in session mode',
        ],
      },
    )
  }
}

/**
 * Checks that the session stays with this client: for a transaction of a second client, a pooler in transaction mode uses
 * the server connection that the first one is not using.
 *
 * @throws TransactionPoolerError
 */
export async function refuseTransactionPooler(session: Session, url: string): Promise<void> {
  const before = await backendOf(session)
  const second = await openSession(url)
  try {
    const other = await second.transaction(async () => {
      const other = await backendOf(second)
      // Not asked if the answer is known: a pooler with only one server connection would make it wait.
      return other === before || (await backendOf(session)) !== before ? before : other
    })
    if (other === before) throw new TransactionPoolerError(session.name)
  } finally {
    await second.close()
  }
}

async function backendOf(session: Session): Promise<number> {
  const [row] = await session.query('select pg_backend_pid() as pid')
  return row!.pid
}
