import { failed } from '../../base/index.ts'
import { refusalOf, type CreditGrant, type Id, type OpResult } from '../../core/index.ts'
import { Pause, pool } from './client.ts'
import type { Client } from './client.ts'
import { publishReason } from './errors.ts'
import { committingBytesMax } from './limits.ts'
import { noReplies, type Replies, type Turn } from './turn.ts'
import { firstFailure, PacketType, Reason, writeAck } from './wire/index.ts'
import type { AckType, ReasonCode } from './wire/index.ts'

/** Commits what the turn gathered, sends its replies when that is durable, and lets as many more messages come. */
export function finishTurn(client: Client): void {
  const turn = client.takeTurn()
  const saves = client.takeChanges()
  if (turn === undefined && saves.length === 0) return client.output.flush()
  const ops = turn?.take(saves) ?? saves
  const bytes = turn?.bytes ?? 0
  const replies = turn?.replies ?? noReplies
  const { broker } = client.hub
  const { session, epoch } = client
  if (ops.length === 0 && client.pendingCommits > 0 && repeats(client, replies)) {
    // What comes again has been done, but it may not be durable yet.
    const settling = broker.settled().then((settled) => {
      if (failed(settled) || client.phase !== 'open') return
      answer(client, [], replies)
      client.output.flush()
    })
    client.background(settling)
  } else if (ops.length === 0) {
    answer(client, [], replies)
  } else {
    client.pendingCommits++
    client.pendingBytes += bytes
    client.peer.underWay(client.pendingBytes)
    // Nobody waits for the answer to an acknowledgement.
    const soft = replies.types.length === 0 && ops.every((op) => op.op === 'settle' || op.op === 'save')
    const committing = broker.commit(ops, { session, epoch, soft }).then((results) => {
      client.pendingCommits--
      client.pendingBytes -= bytes
      client.peer.underWay(client.pendingBytes)
      if (client.phase !== 'open') return
      if (replies.types.includes(PacketType.pubcomp) && results.slice(ops.length - saves.length).some(failed)) {
        // The identifier would be free for the client, and for us still that of the message before.
        client.end(Reason.unspecifiedError, 'error')
        return
      }
      answer(client, results, replies)
      goOn(client)
      finishTurn(client)
      if (client.stopping) client.stop()
    })
    client.background(committing)
  }
  client.output.flush()
  if (turn !== undefined && turn.completed > 0) broker.credit(grantsOf(session, turn))
}

const none: ReadonlyMap<Id, number> = new Map()

/** What is done makes room for as much again: messages for the connection, bytes for each consumer. */
function grantsOf(session: Id, turn: Turn): CreditGrant[] {
  const grants: CreditGrant[] = [{ session, pool, messages: turn.completed }]
  for (const [consumer, bytes] of turn.completedBytes ?? none) grants.push({ consumer, messages: 0, bytes })
  return grants
}

function answer(client: Client, results: readonly OpResult[], replies: Replies): void {
  const { types, packetIds, ops, records } = replies
  for (let i = 0; i < types.length; i++) {
    const type = types[i]!
    const packetId = packetIds[i]!
    const result = results[ops[i]!]
    const reason = result === undefined ? records[i]! : publishReasonOf(result, records[i]!)
    if (reason >= firstFailure && answersPublish(type) && client.version < 5) {
      // MQTT 3.1.1 cannot say no: without an answer the client keeps the message and tries again
      client.end(reason, 'error')
      return
    }
    ended(client, type, packetId, reason)
    writeAck(client.output.writer, type, packetId, reason, client.version)
  }
}

/**
 * Only a message can be refused. PUBREL and PUBCOMP follow also where the identifier is known no more ([MQTT-4.3.3-2]):
 * who lost our PUBCOMP with its connection sends PUBREL on every new one until it has it.
 */
function answersPublish(type: AckType): boolean {
  return type === PacketType.puback || type === PacketType.pubrec
}

/** May it answer what an earlier packet has set going? PUBREL that comes first has something to save, or needs nothing. */
const repeats = ({ persistent }: Client, { types }: Replies): boolean =>
  types.includes(PacketType.pubrec) || (persistent && types.includes(PacketType.pubcomp))

/** Does this reply end what the client has unacknowledged (MQTT 5 section 4.9)? */
function ended(client: Client, type: AckType, packetId: number, reason: ReasonCode): void {
  // What has the identifier already was taken.
  if (reason === Reason.packetIdentifierInUse) return
  const refused = type === PacketType.pubrec && reason >= firstFailure
  // When it comes again it is new.
  if (refused) client.received.forget(packetId)
  if (refused || type === PacketType.puback || type === PacketType.pubcomp) {
    client.unacknowledged = Math.max(0, client.unacknowledged - 1)
  }
}

function publishReasonOf(result: OpResult, record: number): ReasonCode {
  if (failed(result)) return publishReason(result.error)
  const ok = result.ok
  if (ok.op !== 'publish') return Reason.success
  const refusal = refusalOf(ok, record)
  if (refusal !== undefined) return publishReason(refusal.error)
  const nobody = ok.unrouted === 'all' || ok.unrouted?.includes(record) === true
  return nobody ? Reason.noMatchingSubscribers : Reason.success
}

/** The rest of a chunk, after so much of it is out of the way that more may follow. */
function goOn(client: Client): void {
  if (!client.isPaused(Pause.committing) || client.pendingBytes > committingBytesMax / 2) return
  client.resume(Pause.committing)
  // What a change of subscriptions holds back, it lets go itself.
  if (!client.isPaused(Pause.changing)) client.parser.resume()
}
