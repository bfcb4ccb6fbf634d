import { Violation } from './violation.ts'

/** A number between 0 and 1 that looks drawn, the same for the same text. */
function share(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return ((hash ^ (hash >>> 15)) >>> 0) / 0x1_0000_0000
}

/** Mostly small; now and then larger than a page, or than a frame of the journal's parts. */
function fillerBytes(id: string): number {
  const drawn = share(id)
  return drawn < 0.9 ? Math.floor(drawn * 200) : drawn < 0.99 ? 1000 + Math.floor(drawn * 1000) : 9000
}

/** What a message of this id says, to the last byte: so that what arrives can be judged by itself. */
export function payloadOf(id: string): Buffer {
  const head = `${id} `
  const payload = Buffer.alloc(head.length + fillerBytes(id), id)
  payload.write(head, 0, 'latin1')
  return payload
}

/** The id of a payload that arrived at `place`; nothing about it may be wrong. */
export function idOf(payload: Buffer, place: string): string {
  const space = payload.indexOf(0x20)
  const id = payload.toString('latin1', 0, Math.max(0, space))
  if (space <= 0 || !payload.equals(payloadOf(id))) {
    throw new Violation(
      `${place}: a payload that nobody sent: ${payload.toString('latin1', 0, 60)} (${payload.length})`,
    )
  }
  return id
}

/** Who numbers its messages, and the number: `amqp-2:17`. Rising numbers of one are in order wherever they are. */
export function orderOf(id: string): { publisher: string; number: number } {
  const colon = id.lastIndexOf(':')
  return { publisher: id.slice(0, colon), number: Number(id.slice(colon + 1)) }
}
