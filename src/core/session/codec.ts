import { Reader, Writer } from '../../base/index.ts'
import type { Address, PublishOp } from '../facade/index.ts'
import { Session, type Will } from './session.ts'

/** What of a session is stored; `Infinity` is not JSON, so it stands as -1. */
interface StoredSession {
  namespace: number
  name: string | null
  user: string
  epoch: number
  keepMs: number
  leftAt: number
  wills: {
    to: readonly Address[]
    batch: string
    foreign: boolean
    retain?: boolean
    expiresAt?: number
    priority?: number
    delayMs: number
  }[]
}

/** The whole value of a session without its saved keys. */
export function encodeSession(s: Session): Buffer {
  const stored: StoredSession = {
    namespace: s.namespace,
    name: s.name,
    user: s.user,
    epoch: s.epoch,
    keepMs: s.keepMs === Infinity ? -1 : s.keepMs,
    leftAt: s.leftAt,
    wills: [...s.lateWills.map((will) => storedWill({ ...will, delayMs: 0 })), ...s.wills.map(storedWill)],
  }
  return Buffer.from(JSON.stringify(stored))
}

function storedWill({ publish, delayMs }: Will): StoredSession['wills'][number] {
  const { to, batch, foreign, retain, expiresAt, priority } = publish
  return {
    to,
    batch: batch.toString('base64'),
    foreign,
    delayMs,
    ...(retain !== undefined && { retain }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(priority !== undefined && { priority }),
  }
}

export function decodeSession(id: number, body: Buffer): Session {
  const stored = JSON.parse(body.toString()) as StoredSession
  const session = new Session(id, stored.namespace, stored.name, stored.user)
  session.epoch = stored.epoch
  session.keepMs = stored.keepMs < 0 ? Infinity : stored.keepMs
  session.leftAt = stored.leftAt
  session.wills = stored.wills.map(({ batch, delayMs, ...facts }) => {
    const publish: PublishOp = { op: 'publish', ...facts, batch: Buffer.from(batch, 'base64') }
    return { publish, delayMs }
  })
  return session
}

const out = new Writer(256)

/** key sized utf8, then 0 = removed, or 1 and the value. */
export function encodeSaved(key: string, value: Buffer | null): Buffer {
  out.reset()
  writeSaved(key, value)
  return out.finish()
}

function writeSaved(key: string, value: Buffer | null): void {
  out.sizedUtf8(key)
  out.u8(value === null ? 0 : 1)
  if (value !== null) out.sized(value)
}

export function applySaved(session: Session, body: Buffer): void {
  const reader = new Reader(body)
  while (reader.remaining > 0) {
    const key = reader.sizedUtf8()
    if (reader.u8() === 0) session.saved.delete(key)
    else session.saved.set(key, Buffer.from(reader.sized()))
  }
}

/** For a checkpoint: all of it. */
export function encodeAllSaved(session: Session): Buffer {
  out.reset()
  for (const [key, value] of session.saved) writeSaved(key, value)
  return out.finish()
}
