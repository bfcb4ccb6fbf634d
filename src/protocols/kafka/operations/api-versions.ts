import { operation } from '../call.ts'
import { code } from '../errors.ts'
import { APIS } from '../wire/apis.ts'
import type { WriteOf } from '../wire/schema.ts'

const apiKeys = Object.values(APIS)
  .map((one) => ({ apiKey: one.key, minVersion: one.versionMin, maxVersion: one.versionMax }))
  .sort((a, b) => a.apiKey - b.apiKey)

/** KIP-511: what a client's name and version may look like. */
const softwareWord = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

/** No features are finalised: no new consumer groups, no transactions, so clients use the classic ways. */
export const apiVersions = operation(APIS.apiVersions, (request, call) => {
  const named = softwareWord.test(request.clientSoftwareName) && softwareWord.test(request.clientSoftwareVersion)
  if (call.version >= 3 && !named) return { errorCode: code.invalidRequest, apiKeys: [] }
  return { errorCode: code.none, apiKeys }
})

/** To a version that is not known, in version 0: the client picks one of these and asks again. */
export const unknownVersion: WriteOf<typeof APIS.apiVersions.response> = {
  errorCode: code.unsupportedVersion,
  apiKeys: apiKeys.filter((one) => one.apiKey === APIS.apiVersions.key),
}
