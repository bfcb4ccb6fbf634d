import { callHttp } from '../world/node/index.ts'
import { UserError, type Input } from './command.ts'

const defaultUrl = 'http://127.0.0.1:8090'

/** A call of the running broker's HTTP API, with errors that say what to do. */
export async function callApi(
  input: Input,
  method: 'GET' | 'POST',
  path: string,
  options: {
    body?: unknown
    onText?: (text: string) => void
    /** Takes the answer as it comes; what it rejects with is not the broker's fault. */
    onChunks?: (chunks: AsyncIterable<Buffer>) => Promise<void>
  } = {},
): Promise<unknown> {
  const base = input.one('url') ?? process.env.DRAGOMAN_URL ?? defaultUrl
  if (!URL.canParse(base) || new URL(base).protocol !== 'http:')
    throw new UserError(`--url ${base}: must look like ${defaultUrl}`, 2)
  const url = new URL(path, base)
  const given = options.onChunks
  const taking: { error?: Error } = {}
  const taken = (all: Promise<void>): Promise<void> =>
    all.catch((error: unknown) => {
      taking.error = error as Error
      throw error
    })
  let answer
  try {
    const body = options.body === undefined ? {} : { body: JSON.stringify(options.body) }
    const onText = options.onText === undefined ? {} : { onText: options.onText }
    const onChunks = given === undefined ? {} : { onChunks: (chunks: AsyncIterable<Buffer>) => taken(given(chunks)) }
    answer = await callHttp({ method, url, ...body, ...onText, ...onChunks })
  } catch (error) {
    if (taking.error !== undefined) throw taking.error
    const why = (error as NodeJS.ErrnoException).code ?? (error as Error).message
    throw new UserError(`no broker answers at ${base} (${why}); start one with: dragoman serve, or name it with --url`)
  }
  if (answer.status >= 300) throw new UserError(messageOf(answer.text, answer.status))
  return answer.text === '' ? undefined : readAnswer(answer.text)
}

/** JSON, or whatever else listens there. */
export function readAnswer(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new UserError(
      `no broker answers like this: ${text.slice(0, 100).trim()}; name the HTTP API of one with --url`,
    )
  }
}

function messageOf(text: string, status: number): string {
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown }
    if (typeof detail === 'string') return detail
  } catch {
    // Not our API: whatever answered, show what it said.
  }
  return `HTTP ${status}: ${text.slice(0, 500)}`
}
