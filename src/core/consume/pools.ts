import { creditPool, grantPool, joinPool } from '../delivery/consumers.ts'
import type { CreditPool } from '../delivery/consumers.ts'
import type { Session } from '../session/session.ts'
import type { Attached } from './attached.ts'

export function poolOf(session: Session, number: number): CreditPool {
  let pool = session.pools.get(number)
  if (pool === undefined) session.pools.set(number, (pool = creditPool()))
  return pool
}

/** In its place: what it holds, its turn and its own credit stay as they are. */
export function moveToPool(consumer: Attached, number: number): void {
  const before = consumer.poolNumber
  consumer.poolNumber = number
  joinPool(consumer, poolOf(consumer.owner, number))
  if (before !== null) tidyPool(consumer.owner, before)
}

/** `messages` below 0 takes credit back. */
export function grantToPool(session: Session, number: number, messages: number): readonly Attached[] {
  const pool = poolOf(session, number)
  grantPool(pool, messages)
  const members = [...pool.members] as Attached[]
  tidyPool(session, number)
  return members
}

/** One that has neither members nor credit is as one that nobody ever named. */
export function tidyPool(session: Session, number: number): void {
  const pool = session.pools.get(number)
  if (pool?.members.size === 0 && pool.messages === 0) session.pools.delete(number)
}
