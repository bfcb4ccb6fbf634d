/** What the corpus holds, by name; the reader looks for exactly this. */
export const topics = {
  orders: 'corpus.orders',
  filler: 'corpus.filler',

  idempotent: 'corpus.idempotent',
}
export const group = 'corpus.group'
export const queues = {
  plain: 'corpus.plain',
  sparse: 'corpus.sparse',
  leased: 'corpus.leased',
  rejecting: 'corpus.rejecting',
  expiring: 'corpus.expiring',
  dead: 'corpus.dead',
  later: 'corpus.later',
  priority: 'corpus.priority',
  routed: 'corpus.routed',
}
export const exchanges = { topic: 'corpus.topic', delayed: 'corpus.delayed' }
export const sessionId = 'corpus-session'
export const sessionFilter = 'corpus/session/#'
export const retainedFilter = 'corpus/retained/#'
