import type { Id } from '../facade/index.ts'

/**
 * Which part of an object's checkpoint is what. Stored: never renumber.
 *
 *   0 the catalogue's value, or the session's; of object 0: the reserved ids
 *   of a session       1 its saved keys
 *   of a namespace     1.. its last values, some in each; which is in which changes from one start to the next
 *   of a log           1 its message ids, 2 + index the producers of a partition
 *   of a subscription  1 its positions, or 2 + index + lanesMax x part of the queue
 */
export const part = { value: 0, saved: 1, messageIds: 1, positions: 1, values: 1, firstLane: 2 } as const
const lanesMax = 131_072

export const lanePart = (index: number, queuePart: number): number => part.firstLane + index + lanesMax * queuePart
export const laneOf = (number: number): { index: number; queuePart: number } => {
  const queuePart = Math.floor((number - part.firstLane) / lanesMax)
  return { index: number - part.firstLane - lanesMax * queuePart, queuePart }
}

/** First byte of a part's state: what restores it, and in which order that must happen. */
export const restoreOrder = {
  ids: 1,
  namespace: 2,
  space: 3,
  log: 4,
  subscription: 5,
  session: 6,
  saved: 7,
  route: 8,
  positions: 9,
  lease: 10,
  producers: 11,
  messageIds: 12,
  values: 13,
} as const

export interface Restored {
  order: number
  object: Id
  part: number
  state: Buffer
}
