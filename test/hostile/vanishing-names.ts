/** What those that vanish use, and those that look for them. */
export const vanishing = {
  user: 'visitor',
  queue: 'vanishing',
  /** Messages delivered and not acknowledged. */
  inHand: 50,
  large: 'vanishing.large',
  will: 'vanishing/will',
  topic: 'vanishing.topic',
  group: 'vanishing.group',
  /** Connections of each protocol that have begun to say something. */
  begun: 30,
} as const
