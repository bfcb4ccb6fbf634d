import { MalformedError, unreachable } from '../../base/index.ts'
import type { Failure } from '../../base/index.ts'
import type { CommitOptions, Op, OpResult } from '../facade/index.ts'
import type { Session } from '../session/session.ts'
import { fenced } from '../shard/shard.ts'
import type { Mark } from '../shard/stage.ts'
import type { Shard } from '../shard/shard.ts'
import { advance } from './advance.ts'
import { append } from './append.ts'
import { holds } from './guards.ts'
import { judgeAll } from './judge.ts'
import { publishOp } from './publish.ts'
import { remove } from './remove.ts'
import { save } from './save.ts'
import { seek } from './seek.ts'
import { settle } from './settle.ts'

/** Of the ops before the one at hand. */
type Results = readonly (OpResult | Promise<OpResult>)[]

/** Does the ops now, in their order, and answers when the commit they went into is as durable as promised. */
export function commit(shard: Shard, ops: readonly Op[], options: CommitOptions): Promise<OpResult[]> {
  const session = shard.sessions.get(options.session)
  if (session === undefined || session.ended || session.epoch !== options.epoch) return refuse(ops, fenced)
  const conflict = options.guards?.find((guard) => !holds(shard, guard))
  if (conflict !== undefined) {
    return shard.answer(
      session,
      refusal(ops, { error: 'conflict', detail: 'a guard does not hold' }),
      0,
      shard.limits.durability,
    )
  }
  if (options.atomic) {
    const failure = judgeAll(shard, session, ops)
    if (failure !== null) return shard.answer(session, refusal(ops, failure), 0, shard.limits.durability)
  }
  const before = shard.stage.mark()
  let late = false
  const results: (OpResult | Promise<OpResult>)[] = []
  for (const op of ops) {
    const result = safely(shard, session, op, results)
    if (result instanceof Promise) late = true
    results.push(result)
  }
  if (!late) return release(shard, session, results as OpResult[], before, options)
  return Promise.all(results.map((one) => Promise.resolve(one))).then((all) =>
    release(shard, session, all, before, options),
  )
}

/** What has staged nothing and tells of nothing staged waits for nothing but its turn. */
function release(
  shard: Shard,
  session: Session,
  results: OpResult[],
  before: Mark,
  options: CommitOptions,
): Promise<OpResult[]> {
  const depends = shard.stage.count !== before.count || results.some(isDuplicate)
  if (depends && !options.soft) shard.stage.hard()
  if (shard.stage.bytes > shard.limits.stagedBytesMax) shard.turn.ask()
  const level = shard.stage.levelSince(before, shard.limits.durability)
  return shard.answer(session, results, depends ? shard.stage.last : 0, level)
}

const isDuplicate = (result: OpResult): boolean => 'ok' in result && result.ok.op === 'append' && result.ok.duplicate

/** Records that are not what their batch says come to light only when somebody has to look into them. */
function safely(shard: Shard, session: Session, op: Op, before: Results): OpResult | Promise<OpResult> {
  try {
    return perform(shard, session, op, before)
  } catch (error) {
    if (error instanceof MalformedError) return { error: 'invalid', detail: error.message }
    throw error
  }
}

function perform(shard: Shard, session: Session, op: Op, before: Results): OpResult | Promise<OpResult> {
  switch (op.op) {
    case 'publish':
      return publishOp(shard, session, op)
    case 'append':
      return append(shard, session, op)
    case 'settle':
      return settle(shard, op)
    case 'advance':
      return advance(shard, op)
    case 'seek':
      return seek(shard, op)
    case 'remove':
      return remove(shard, op)
    case 'save':
      return save(shard, session, op, before)
    default:
      return unreachable(op)
  }
}

const refusal = (ops: readonly Op[], failure: Failure): OpResult[] => ops.map(() => failure)
const refuse = (ops: readonly Op[], failure: Failure): Promise<OpResult[]> => Promise.resolve(refusal(ops, failure))
