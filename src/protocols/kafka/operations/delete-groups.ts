import { failed } from '../../../base/index.ts'
import { operation } from '../call.ts'
import type { Call } from '../call.ts'
import { code } from '../errors.ts'
import { groupTopics } from '../group-offsets.ts'
import { APIS } from '../wire/apis.ts'

/** A group is its committed offsets, so deleting it drops those. Only when nobody is in it. */
export const deleteGroups = operation(APIS.deleteGroups, async (request, call) => {
  const topicsOf = groupTopics(call.shared)
  const results = request.groupsNames.map(async (groupId) => {
    return { groupId, errorCode: await drop(groupId, topicsOf, call) }
  })
  return { results: await Promise.all(results) }
})

async function drop(groupId: string, topicsOf: ReturnType<typeof groupTopics>, call: Call): Promise<number> {
  const { broker, groups } = call.shared
  if (groups.hasMembers(groupId)) return code.nonEmptyGroup
  const items: { id: number }[] = []
  for (const topic of topicsOf(groupId)) {
    const found = broker.findSubscription(topic.id, groupId, 'positional')
    if (found !== undefined) items.push({ id: found.id })
  }
  if (items.length === 0) return code.groupIdNotFound
  const refused = (await broker.drop(items)).find(failed)
  return refused === undefined ? code.none : code.coordinatorLoadInProgress
}
