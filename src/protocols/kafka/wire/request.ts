import type { Reader } from '../../../base/index.ts'
import { apiOf, isFlexible, isSupported, requestCodec } from './apis.ts'
import { RequestReader } from './request-reader.ts'
import { readLength } from './scalars.ts'
import type { Api, ReadOf, Table } from './schema.ts'

/**
 * Request header v1, v2 in flexible versions:
 *
 *     request_api_key INT16, request_api_version INT16, correlation_id INT32, client_id NULLABLE_STRING, _tagged_fields
 *
 * `client_id` is a plain string even in v2, where all else is compact.
 */
export interface RequestHeader {
  apiKey: number
  apiVersion: number
  correlationId: number
  clientId: string | null
  /** The body that follows. */
  body: Reader
}

/** Reads the header of a request of any API, known or not; throws `MalformedError`. */
export function readHeader(frame: Buffer): RequestHeader {
  const body = new RequestReader(frame)
  const apiKey = body.i16()
  const apiVersion = body.i16()
  const correlationId = body.i32()
  const length = readLength(body, 'int16')
  const clientId = length < 0 ? null : body.utf8(length)
  const api = apiOf(apiKey)
  // What a version that is not known looks like from here on, nobody can say.
  if (api !== undefined && isSupported(api, apiVersion) && isFlexible(api, apiVersion)) skipTagged(body)
  return { apiKey, apiVersion, correlationId, clientId, body }
}

function skipTagged(reader: Reader): void {
  const count = reader.uvarint()
  for (let i = 0; i < count; i++) {
    reader.uvarint()
    reader.take(reader.uvarint())
  }
}

/** Decodes a request's body; throws `MalformedError`. Bytes and records are slices of the frame. */
export function readRequest<Q extends Table>(api: Api<Q>, version: number, body: Reader): ReadOf<Q> {
  return requestCodec(api, version).read(body)
}
