import { exitStatus, OpsError } from '../../errors.ts'
import { openSession } from './open-session.ts'
import type { Session } from './session.ts'

/** Between ops and the server is a pooler that gives a session away after each transaction. */
export class TransactionPoolerError extends OpsError {
  constructor(database: string) {
    super(
      'TRANSACTION_POOLER',
      `${database} is reached through a pooler in transaction mode, and a worker needs a session of its own: its life is a lock that the session holds.`,
      {
        exit: exitStatus.configuration,
        suggestions: [
          'give the URL of PostgreSQL itself, whose port is 5432 unless it was changed',
          'or a port of the pooler in session mode',
        ],
      },
    )
  }
}

/**
 * Proves that the session stays with this client: a second one holds a transaction open, for which a pooler in
 * transaction mode takes the connection that the first has given back.
 *
 * @throws TransactionPoolerError
 */
export async function proveSession(session: Session, url: string): Promise<void> {
  const before = await backendOf(session)
  const second = await openSession(url)
  try {
    const other = await second.transaction(async () => {
      const other = await backendOf(second)
      // Not asked where the answer is clear: a pooler with no other connection to the server would let it wait.
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
