import type { DeadLetterAnswer, MessageAnswer, RedriveAnswer } from '../../admin/index.ts'
import { writeOutput } from '../../world/node/index.ts'
import { callApi } from '../api.ts'
import { UserError, type Input } from '../command.ts'
import { tableOf } from '../table.ts'

export async function dlq(input: Input): Promise<number> {
  const [verb, queue] = input.positionals
  const limit = limitOf(input.one('limit'))
  if (verb === 'list') return queue === undefined ? listQueues(input) : listMessages(input, queue, limit)
  if (verb !== 'redrive') throw new UserError(`dlq ${verb ?? ''}: there are dlq list and dlq redrive`, 2)
  if (queue === undefined) throw new UserError('dlq redrive needs a queue; dragoman dlq list shows them', 2)
  return redrive(input, queue, limit)
}

function limitOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const limit = Number(text)
  if (!Number.isInteger(limit) || limit < 1) throw new UserError(`--limit ${text}: must be a whole number above 0`, 2)
  return limit
}

async function listQueues(input: Input): Promise<number> {
  const answer = (await callApi(input, 'GET', '/api/dlq')) as DeadLetterAnswer[]
  const rows = answer.map(({ queue, ready, sources }) => [queue, ready, sources.join(', ')])
  writeOutput(input.has('json') ? JSON.stringify(answer, null, 2) : tableOf(['queue', 'messages', 'from'], rows))
  return 0
}

async function listMessages(input: Input, queue: string, limit: number | undefined): Promise<number> {
  const query = new URLSearchParams({ queue, ...(limit === undefined ? {} : { limit: String(limit) }) })
  const answer = (await callApi(input, 'GET', `/api/dlq?${query.toString()}`)) as MessageAnswer[]
  const rows = answer.map(({ offset = 0, history = [], value }) => {
    const [last] = history
    return [offset, last?.log ?? '-', last?.reason ?? '-', last?.count ?? 0, value.slice(0, 60)]
  })
  const text = tableOf(['offset', 'from', 'reason', 'times', 'body'], rows)
  writeOutput(input.has('json') ? JSON.stringify(answer, null, 2) : text)
  return 0
}

async function redrive(input: Input, queue: string, limit: number | undefined): Promise<number> {
  const body = { queue, ...(limit === undefined ? {} : { limit }) }
  const answer = (await callApi(input, 'POST', '/api/dlq/redrive', { body })) as RedriveAnswer
  if (input.has('json')) writeOutput(JSON.stringify(answer))
  else writeOutput(`moved ${answer.moved} back`)
  for (const { log, detail, count } of input.has('json') ? [] : answer.left) {
    writeOutput(`left ${count}${log === '' ? '' : ` for ${log}`}: ${detail}`)
  }
  return answer.left.length === 0 ? 0 : 1
}
