import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { ControlRequest, RestartAnswer, StatusAnswer, StopAnswer } from './control-protocol.ts'
import { readSessionRecord, type SessionRecord } from './session-record.ts'

type AnswerTo<Request extends ControlRequest> = Request extends { do: 'status' }
  ? StatusAnswer
  : Request extends { do: 'restart' }
    ? RestartAnswer
    : StopAnswer

/** Running services, as another terminal sees them. */
export class ControlClient {
  readonly record: SessionRecord

  private constructor(record: SessionRecord) {
    this.record = record
  }

  /** Undefined where nobody answers: a record that was left behind by a killed session is as good as none. */
  static async find(stateDirectory: string): Promise<ControlClient | undefined> {
    const record = readSessionRecord(stateDirectory)
    if (record === undefined) return undefined
    const connection = await connected(record)
    connection?.destroy()
    return connection && new ControlClient(record)
  }

  /** The answers, as they come; none where the services have ended meanwhile. */
  async *ask<Request extends ControlRequest>(request: Request): AsyncGenerator<AnswerTo<Request>> {
    const connection = await connected(this.record)
    if (connection === undefined) return
    connection.write(`${JSON.stringify(request)}\n`)
    for await (const line of createInterface({ input: connection })) yield JSON.parse(line) as AnswerTo<Request>
  }
}

async function connected({ socket }: SessionRecord): Promise<Socket | undefined> {
  const connection = connect(socket)
  try {
    await once(connection, 'connect')
  } catch {
    return undefined
  }
  // It can end at any time; then there are no further answers.
  connection.on('error', () => {})
  return connection
}
