// Writes src/protocols/kafka/wire/tables/ from the message schemas that the kafka-clients jar carries.
//
//   unzip kafka-clients-4.1.0.jar 'common/message/*' -d /tmp/kafka
//   node scripts/kafka-tables.mjs /tmp/kafka/common/message
//
// The schemas are JSON with // comments. Only facts are taken: names, types, version ranges, tags, defaults.
// Fields that only brokers send to one another are left out; where they are tagged, readers skip them as unknown.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [folder] = process.argv.slice(2)
if (folder === undefined) {
  console.error('usage: node scripts/kafka-tables.mjs FOLDER_WITH_MESSAGE_SCHEMAS')
  process.exit(1)
}
const out = new URL('../src/protocols/kafka/wire/tables/', import.meta.url).pathname

/** What is advertised where it differs from the schema's own range: old minima kept for old clients, unstable maxima cut. */
const APIS = {
  Produce: '0-13',
  Fetch: '4-18',
  ListOffsets: '1-10',
  Metadata: '0-13',
  OffsetCommit: '2-9',
  OffsetFetch: '1-9',
  FindCoordinator: '0-6',
  JoinGroup: '0-9',
  Heartbeat: '0-4',
  LeaveGroup: '0-5',
  SyncGroup: '0-5',
  DescribeGroups: '0-6',
  ListGroups: '0-5',
  SaslHandshake: '0-1',
  ApiVersions: '0-4',
  CreateTopics: '2-7',
  DeleteTopics: '1-6',
  DeleteRecords: '0-2',
  InitProducerId: '0-5',
  OffsetForLeaderEpoch: '2-4',
  DescribeConfigs: '1-4',
  AlterConfigs: '0-2',
  CreatePartitions: '0-3',
  DeleteGroups: '0-2',
  IncrementalAlterConfigs: '0-1',
  DescribeCluster: '0-2',
}
const LEFT_OUT = new Set([
  'ClusterId@FetchRequest',
  'ReplicaState',
  'ReplicaDirectoryId',
  'HighWatermark@FetchRequest',
  'SnapshotId',
])

const kebab = (name) => name.replace(/(?<!^)([A-Z])/g, '-$1').toLowerCase()
const camel = (name) => name[0].toLowerCase() + name.slice(1)

function load(name) {
  const text = readFileSync(join(folder, `${name}.json`), 'utf8')
  return JSON.parse(text.replace(/^\s*\/\/.*$/gm, ''))
}

function range(text) {
  if (text === undefined || text === 'none') return null
  const [low, high] = text.split('-')
  if (text.endsWith('+')) return [Number(text.slice(0, -1)), Infinity]
  return [Number(low), Number(high ?? low)]
}

const covers = (outer, inner) => outer[0] <= inner[0] && outer[1] >= inner[1]
const touches = (a, b) => a[0] <= b[1] && b[0] <= a[1]
const text = ([low, high]) => (high === Infinity ? `${low}+` : low === high ? `${low}` : `${low}-${high}`)

function literal(field) {
  const value = field.default
  if (field.name === 'ThrottleTimeMs') return '0'
  if (value === undefined) return undefined
  if (value === 'null') return 'null'
  if (field.type === 'string') return `'${value}'`
  if (field.type === 'bool') return String(value)
  return Number(value) === 0 ? undefined : String(Number(value) === 0x7fffffff ? '0x7fffffff' : Number(value))
}

function rows(schema, fields, valid, indent) {
  const lines = []
  for (const field of fields) {
    if (LEFT_OUT.has(field.name) || LEFT_OUT.has(`${field.name}@${schema.name}`)) continue
    const versions = range(field.versions)
    if (versions === null || !touches(versions, valid)) continue
    const parts = [`name: '${camel(field.name)}'`]
    const array = field.type.startsWith('[]')
    const element = array ? field.type.slice(2) : field.type
    const struct = /^[A-Z]/.test(element)
    parts.push(`type: '${struct ? (array ? 'array' : 'struct') : field.type}'`)
    if (!covers(versions, valid)) parts.push(`versions: '${text(versions)}'`)
    const nullable = range(field.nullableVersions)
    if (nullable && touches(nullable, valid)) parts.push(`nullable: '${text(nullable)}'`)
    if (field.tag !== undefined) parts.push(`tag: ${field.tag}`)
    const tagged = range(field.taggedVersions)
    if (tagged && !covers(tagged, versions)) parts.push(`tagged: '${text(tagged)}'`)
    const fallback = literal(field)
    if (fallback !== undefined) parts.push(`default: ${fallback}`)
    if (!struct) {
      lines.push(`${indent}{ ${parts.join(', ')} },`)
      continue
    }
    const children = field.fields ?? schema.commonStructs.find((one) => one.name === element).fields
    const inner = [Math.max(versions[0], valid[0]), Math.min(versions[1], valid[1])]
    lines.push(`${indent}{`)
    for (const part of parts) lines.push(`${indent}  ${part},`)
    lines.push(
      `${indent}  fields: [`,
      ...rows(schema, children, inner, `${indent}    `),
      `${indent}  ],`,
      `${indent}},`,
    )
  }
  return lines
}

function table(name, kind, valid) {
  const schema = load(`${name}${kind}`)
  const body = rows(schema, schema.fields, valid, '  ')
  const fields = body.length === 0 ? '[]' : `[\n${body.join('\n')}\n]`
  return { schema, source: `export const ${camel(name)}${kind} = table(${fields})` }
}

mkdirSync(out, { recursive: true })
for (const [name, advertised] of Object.entries(APIS)) {
  const valid = range(advertised)
  const request = table(name, 'Request', valid)
  const response = table(name, 'Response', valid)
  const flexible = range(request.schema.flexibleVersions)
  const from = flexible && flexible[0] <= valid[1] ? flexible[0] : null
  const head = [
    `// ${name}: generated by scripts/kafka-tables.mjs from the published message schemas; change it there.`,
    `import { api, table } from '../schema.ts'`,
  ]
  const descriptor = [
    `export const ${camel(name)} = api({`,
    `  name: '${name}',`,
    `  key: ${request.schema.apiKey},`,
    `  versionMin: ${valid[0]},`,
    `  versionMax: ${valid[1]},`,
    `  flexibleFrom: ${from},`,
    `  request: ${camel(name)}Request,`,
    `  response: ${camel(name)}Response,`,
    `})`,
  ]
  const source = [head.join('\n'), request.source, response.source, descriptor.join('\n')].join('\n\n')
  writeFileSync(join(out, `${kebab(name)}.ts`), `${source}\n`)
}
