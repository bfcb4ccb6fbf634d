import { APIS, isFlexible, responseCodec } from './apis.ts'
import type { Api, Table, WriteOf } from './schema.ts'
import { SlicingWriter } from './writer.ts'

/**
 * A response frame as chunks to send one after the other; large records are the slices that were given.
 *
 *     size INT32, correlation_id INT32, _tagged_fields (header v1, flexible versions), body
 *
 * ApiVersions keeps header v0 in every version: its reader does not know yet what the broker speaks (KIP-511).
 */
export function encodeResponse<R extends Table>(
  api: Api<Table, R>,
  version: number,
  correlationId: number,
  values: WriteOf<R>,
): Buffer[] {
  const writer = new SlicingWriter(256)
  writer.i32(0)
  writer.i32(correlationId)
  const known = api as Api
  if (isFlexible(known, version) && known.key !== APIS.apiVersions.key) writer.uvarint(0)
  responseCodec(known, version).write(writer, values)
  writer.buffer.writeInt32BE(writer.total - 4, 0)
  return writer.chunks()
}
