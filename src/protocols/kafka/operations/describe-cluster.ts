import { operation } from '../call.ts'
import { code } from '../errors.ts'
import { clusterId, nodeId } from '../limits.ts'
import { APIS } from '../wire/apis.ts'

const brokers = 1

export const describeCluster = operation(APIS.describeCluster, (request, call) => {
  if (request.endpointType !== brokers) {
    return {
      errorCode: code.unsupportedVersion,
      errorMessage: 'there are no separate controllers',
      clusterId,
      brokers: [],
    }
  }
  const { host, port } = call.advertised
  return { errorCode: code.none, clusterId, controllerId: nodeId, brokers: [{ brokerId: nodeId, host, port }] }
})
