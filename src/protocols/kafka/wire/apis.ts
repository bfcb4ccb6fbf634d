/** Every API that is answered, by key; what is not here is not advertised. */
import { compile } from './codec.ts'
import type { Codec } from './codec.ts'
import type { Api, Table } from './schema.ts'
import { alterConfigs } from './tables/alter-configs.ts'
import { apiVersions } from './tables/api-versions.ts'
import { createPartitions } from './tables/create-partitions.ts'
import { createTopics } from './tables/create-topics.ts'
import { deleteGroups } from './tables/delete-groups.ts'
import { deleteRecords } from './tables/delete-records.ts'
import { deleteTopics } from './tables/delete-topics.ts'
import { describeCluster } from './tables/describe-cluster.ts'
import { describeConfigs } from './tables/describe-configs.ts'
import { describeGroups } from './tables/describe-groups.ts'
import { fetch } from './tables/fetch.ts'
import { findCoordinator } from './tables/find-coordinator.ts'
import { heartbeat } from './tables/heartbeat.ts'
import { incrementalAlterConfigs } from './tables/incremental-alter-configs.ts'
import { initProducerId } from './tables/init-producer-id.ts'
import { joinGroup } from './tables/join-group.ts'
import { leaveGroup } from './tables/leave-group.ts'
import { listGroups } from './tables/list-groups.ts'
import { listOffsets } from './tables/list-offsets.ts'
import { metadata } from './tables/metadata.ts'
import { offsetCommit } from './tables/offset-commit.ts'
import { offsetFetch } from './tables/offset-fetch.ts'
import { offsetForLeaderEpoch } from './tables/offset-for-leader-epoch.ts'
import { produce } from './tables/produce.ts'
import { saslHandshake } from './tables/sasl-handshake.ts'
import { syncGroup } from './tables/sync-group.ts'

export const APIS = {
  produce,
  fetch,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  findCoordinator,
  joinGroup,
  heartbeat,
  leaveGroup,
  syncGroup,
  describeGroups,
  listGroups,
  saslHandshake,
  apiVersions,
  createTopics,
  deleteTopics,
  deleteRecords,
  initProducerId,
  offsetForLeaderEpoch,
  describeConfigs,
  alterConfigs,
  createPartitions,
  deleteGroups,
  incrementalAlterConfigs,
  describeCluster,
} as const

const byKey: (Api | undefined)[] = []
for (const one of Object.values(APIS)) byKey[one.key] = one

export function apiOf(key: number): Api | undefined {
  return byKey[key]
}

export function isFlexible(api: Api, version: number): boolean {
  return api.flexibleFrom !== null && version >= api.flexibleFrom
}

export function isSupported(api: Api, version: number): boolean {
  return version >= api.versionMin && version <= api.versionMax
}

const compiled = new Map<Table, Codec<Table>[]>()

function codec(table: Table, api: Api, version: number): Codec<Table> {
  let versions = compiled.get(table)
  if (versions === undefined) compiled.set(table, (versions = []))
  return (versions[version] ??= compile(table, version, isFlexible(api, version)))
}

/** The codec of an API's requests in one version, compiled at its first use. */
export function requestCodec(api: Api, version: number): Codec<Table> {
  return codec(api.request, api, version)
}

export function responseCodec(api: Api, version: number): Codec<Table> {
  return codec(api.response, api, version)
}
