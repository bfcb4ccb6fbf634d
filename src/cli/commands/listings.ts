import type { QueueAnswer, StatusAnswer, SubscriptionAnswer, TopicAnswer } from '../../admin/index.ts'
import { writeOutput } from '../../world/node/index.ts'
import { callApi } from '../api.ts'
import type { Input } from '../command.ts'
import { sizeText, tableOf } from '../table.ts'

/** Asks, and prints the answer as JSON or as a person reads it. */
async function show(input: Input, path: string, textOf: (answer: unknown) => string): Promise<number> {
  const [pattern] = input.positionals
  const query = pattern === undefined ? '' : `?${new URLSearchParams({ pattern }).toString()}`
  const answer = await callApi(input, 'GET', path + query)
  writeOutput(input.has('json') ? JSON.stringify(answer, null, 2) : textOf(answer))
  return 0
}

export function status(input: Input): Promise<number> {
  return show(input, '/api/status', (given) => {
    const answer = given as StatusAnswer
    const { health, core, storage } = answer
    const lines = [
      `Dragoman ${answer.version}, up ${Math.round(answer.uptimeMs / 1000)} s, ${answer.ready ? 'ready' : 'not ready'}`,
      `storage ${health.state}${health.detail === undefined ? '' : `: ${health.detail}`}, ${sizeText(storage.diskBytes)} on disk`,
      `${core.logs} logs, ${core.subscriptions} subscriptions, ${core.sessions} sessions`,
      `${core.recordsIn} records in, ${core.recordsOut} out`,
      '',
    ]
    const rows = answer.listeners.map(({ name, address, connections = 0, bytesIn = 0, bytesOut = 0 }) => {
      return [name, address, connections, bytesIn, bytesOut]
    })
    return lines.join('\n') + tableOf(['listener', 'address', 'connections', 'bytes in', 'bytes out'], rows)
  })
}

export function topics(input: Input): Promise<number> {
  return show(input, '/api/topics', (answer) => {
    const rows = (answer as TopicAnswer[]).map(({ name, partitions, records, bytes, bound, madeBy }) => {
      return [name, partitions.length, records, bytes, bound ?? '-', madeBy === '' ? '-' : madeBy]
    })
    return tableOf(['name', 'partitions', 'records', 'bytes', 'address', 'made by'], rows)
  })
}

export function queues(input: Input): Promise<number> {
  return show(input, '/api/queues', (answer) => {
    const rows = (answer as QueueAnswer[]).map(({ name, ready, leased, delayed, consumers, deadLetter }) => {
      return [name, ready, leased, delayed, consumers, deadLetter ?? '-']
    })
    return tableOf(['name', 'ready', 'leased', 'delayed', 'consumers', 'dead letters'], rows)
  })
}

export function subscriptions(input: Input): Promise<number> {
  return show(input, '/api/subscriptions', (answer) => {
    const rows = (answer as SubscriptionAnswer[]).map(({ log, name, mode, consumers, lag }) => {
      return [log, name === '' ? '(queue)' : name, mode, consumers, lag]
    })
    return tableOf(['log', 'subscription', 'mode', 'consumers', 'lag'], rows)
  })
}
