import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Outcome } from '../../base/index.ts'
import type { Endpoint, HttpHandler, HttpReply, HttpSink, HttpStream, Listening } from '../net.ts'
import { impatient, open } from './listen.ts'
import { runtimeHttp } from './runtime-http.ts'

const bodyBytesMax = 16 * 1024 * 1024
/** Of all bodies whose requests are not answered yet. */
const heldBytesMax = 4 * bodyBytesMax
let heldBytes = 0
/** Of a live answer; beyond it what is written is dropped. */
const unsentBytesMax = 1024 * 1024
/** So long a client may leave a long body untouched. */
const stalledMsMax = 60_000

export async function listenHttp(
  endpoint: Endpoint,
  answer: HttpHandler,
  connectionsMax: number,
): Promise<Outcome<Listening>> {
  const server = runtimeHttp.createServer(impatient, (request, response) => {
    respond(request, response, answer).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' })
      response.end(`${String(error)}\n`)
    })
  })
  server.maxConnections = connectionsMax
  const opened = await open(server, endpoint)
  if ('error' in opened) return opened
  const listening = opened.ok
  return {
    ok: {
      bound: listening.bound,
      close: () => {
        const closed = listening.close()
        server.closeAllConnections()
        return closed
      },
    },
  }
}

async function respond(request: IncomingMessage, response: ServerResponse, answer: HttpHandler): Promise<void> {
  const held = { bytes: 0 }
  try {
    await reply(request, response, answer, held)
  } finally {
    heldBytes -= held.bytes
  }
}

/** `held`: what it has of the body. */
async function reply(
  request: IncomingMessage,
  response: ServerResponse,
  answer: HttpHandler,
  held: { bytes: number },
): Promise<void> {
  const body = await readBody(request, held)
  if (typeof body === 'number') {
    const why = body === 413 ? `a request body may have ${bodyBytesMax} bytes` : 'too many large requests, try again'
    response.writeHead(body, { 'content-type': 'text/plain', connection: 'close' })
    response.end(`${why}\n`)
    return
  }
  const target = request.url ?? '/'
  const mark = target.indexOf('?')
  const answered = await answer({
    method: request.method ?? 'GET',
    path: mark < 0 ? target : target.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)),
    headers: request.headers as Record<string, string | undefined>,
    body,
  })
  send(response, answered, request.method === 'HEAD')
}

function send(response: ServerResponse, reply: HttpReply, headOnly: boolean): void {
  response.writeHead(reply.status, { 'content-type': reply.type, 'cache-control': 'no-store' })
  const { body } = reply
  if (headOnly || typeof body === 'string') {
    response.end(headOnly || typeof body !== 'string' ? undefined : body)
    if (typeof body === 'object') body.closed(undefined)
    return
  }
  response.flushHeaders()
  if (typeof body === 'function') body(sinkOf(response))
  else void stream(response, body)
}

/** A body that is not whole must not look whole: the connection is dropped without its end. */
async function stream(response: ServerResponse, { chunks, closed }: HttpStream): Promise<void> {
  try {
    for await (const chunk of chunks) {
      if (response.destroyed) throw new Error(gone)
      if (!response.write(chunk)) await drained(response)
    }
    response.end()
    closed(undefined)
  } catch (error) {
    response.destroy()
    closed(error as Error)
  }
}

const gone = 'the client is gone'

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error?: Error): void => {
      clearTimeout(timer)
      response.off('drain', onDrain).off('close', onClose)
      if (error === undefined) resolve()
      else reject(error)
    }
    const onDrain = (): void => end()
    const onClose = (): void => end(new Error(gone))
    const timer = setTimeout(() => end(new Error(`the client took nothing for ${stalledMsMax} ms`)), stalledMsMax)
    response.on('drain', onDrain).on('close', onClose)
  })
}

/** An answer that waits for its turn on a connection hears nothing of that connection's end: so that is asked itself. */
function sinkOf(response: ServerResponse): HttpSink {
  const { socket } = response.req
  return {
    write: (text) => {
      if (response.writableLength > unsentBytesMax || response.destroyed || socket.destroyed) return false
      response.write(text)
      return true
    },
    close: () => response.end(),
    onClosed: (run) => {
      let told = false
      const once = (): void => {
        socket.off('close', once)
        if (!told) run()
        told = true
      }
      if (response.destroyed || socket.destroyed) return once()
      response.once('close', once)
      socket.once('close', once)
    },
  }
}

/** Or the status that says why not. */
async function readBody(request: IncomingMessage, held: { bytes: number }): Promise<Buffer | 413 | 503> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) {
    held.bytes += chunk.length
    heldBytes += chunk.length
    if (held.bytes > bodyBytesMax) return 413
    if (heldBytes > heldBytesMax) return 503
    chunks.push(chunk)
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}

export interface HttpCall {
  method: 'GET' | 'POST' | 'DELETE'
  url: URL
  body?: string
  /** With this the answer is given piece by piece as it comes, and `text` of the result is empty. */
  onText?: (text: string) => void
  /** With this the body of an answer that is no error is given as it comes; what it rejects with, the call does. */
  onChunks?: (chunks: AsyncIterable<Buffer>) => Promise<void>
}

/** The client side, for the command line. Rejects only when there is no answer. */
export function callHttp(call: HttpCall): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = call.body === undefined ? {} : { 'content-type': 'application/json' }
    const request = runtimeHttp.request(call.url, { method: call.method, headers, agent: false }, (response) => {
      const status = response.statusCode ?? 0
      if (call.onChunks !== undefined && status < 300) {
        call.onChunks(response).then(() => resolve({ status, text: '' }), reject)
        return
      }
      response.setEncoding('utf8')
      let text = ''
      response.on('data', (piece: string) => {
        if (call.onText !== undefined && status < 300) call.onText(piece)
        else text += piece
      })
      response.on('end', () => resolve({ status, text }))
      response.on('error', reject)
    })
    request.on('error', reject)
    request.end(call.body)
  })
}
