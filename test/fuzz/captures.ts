import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { root } from '../support/broker.ts'

export const captureFolder = path.join(root, 'test/fuzz/captures')

/** What came at once, in one direction of one connection. */
export interface Chunk {
  connection: number
  fromClient: boolean
  bytes: Buffer
}

/** All that the two sides of one connection sent. */
export interface Conversation {
  client: Buffer
  broker: Buffer
}

/** `3 > 0a0b`: the client of connection 3 sent; `<`: the broker. */
export const lineOf = ({ connection, fromClient, bytes }: Chunk): string =>
  `${connection} ${fromClient ? '>' : '<'} ${bytes.toString('hex')}`

function chunkOf(line: string): Chunk {
  const [connection, direction, hex] = line.split(' ') as [string, string, string]
  return { connection: Number(connection), fromClient: direction === '>', bytes: Buffer.from(hex, 'hex') }
}

function conversations(file: string): Conversation[] {
  const lines = readFileSync(file, 'latin1').trim().split('\n')
  const chunks = lines.filter((line) => !line.startsWith('#')).map(chunkOf)
  const side = (of: Chunk[], fromClient: boolean): Buffer =>
    Buffer.concat(of.filter((chunk) => chunk.fromClient === fromClient).map(({ bytes }) => bytes))
  return [...Map.groupBy(chunks, ({ connection }) => connection).values()].map((all) => ({
    client: side(all, true),
    broker: side(all, false),
  }))
}

/** What real clients of a protocol and the broker said to each other, recorded by `capture.ts`. */
export function captured(protocol: 'kafka' | 'amqp' | 'mqtt'): Conversation[] {
  const names = readdirSync(captureFolder).filter((name) => name.startsWith(`${protocol}-`))
  return names.sort().flatMap((name) => conversations(path.join(captureFolder, name)))
}

/** Cuts a stream where `lengthAt` says; a cut message at the end is left out. */
export function cutBy(stream: Buffer, lengthAt: (stream: Buffer, at: number) => number): Buffer[] {
  const messages: Buffer[] = []
  for (let at = 0; at < stream.length;) {
    const length = lengthAt(stream, at)
    if (!(length > 0) || at + length > stream.length) break
    messages.push(stream.subarray(at, at + length))
    at += length
  }
  return messages
}
