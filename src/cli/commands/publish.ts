import type { PublishAnswer, PublishRequest } from '../../admin/index.ts'
import { readInput, writeOutput } from '../../world/node/index.ts'
import { callApi } from '../api.ts'
import { UserError, type Input } from '../command.ts'

/** Publishes one message, its body from the command line or from standard input. */
export async function publish(input: Input): Promise<number> {
  const [target = '', body] = input.positionals
  const bytes = body === undefined ? await readInput() : Buffer.from(body)
  const request: PublishRequest = {
    ...(input.has('log') ? { log: target } : { address: target }),
    value: bytes.toString('base64'),
    encoding: 'base64',
    headers: headersOf(input.all('header')),
  }
  const key = input.one('key')
  if (key !== undefined) request.key = key
  const contentType = input.one('content-type')
  if (contentType !== undefined) request.contentType = contentType
  const answer = (await callApi(input, 'POST', '/api/publish', { body: request })) as PublishAnswer
  writeOutput(input.has('json') ? JSON.stringify(answer) : textOf(answer, target))
  return 0
}

function headersOf(given: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const text of given) {
    const at = text.indexOf('=')
    if (at < 1) throw new UserError(`--header ${text}: must be NAME=VALUE`, 2)
    headers[text.slice(0, at)] = text.slice(at + 1)
  }
  return headers
}

function textOf({ logs, sinks, partition, offset }: PublishAnswer, target: string): string {
  if (offset !== undefined) return `appended to ${target}: partition ${partition ?? 0}, offset ${offset}`
  if (logs + sinks === 0) return `nobody listens at ${target} and nothing keeps it: the message went nowhere`
  return `published at ${target}: stored in ${logs} logs, handed to ${sinks} live receivers`
}
