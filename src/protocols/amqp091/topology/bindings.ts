import type {
  Entry,
  Header,
  Id,
  Json,
  Pattern,
  Predicate,
  RouteSpec,
  RouteTarget,
  SpaceSpec,
} from '../../../core/index.ts'
import { refuse } from '../errors.ts'
import type { Link } from '../link.ts'
import { decodeName, spaceName, stripLineEnds, topicPattern } from '../names.ts'
import { argumentsJson, argument, jsonOf, sameArgument, textOf, type ArgumentsJson } from './arguments.ts'
import { exchangeFacts } from './exchange-facts.ts'
import { inVhost } from './queue-facts.ts'

/** What a binding said, to be found again by unbind. */
interface BindingFacts {
  key: string
  arguments: ArgumentsJson
}

/** An exchange by name, as the source or target of bindings: not the default one. */
export function requireExchange(link: Link, given: string): Entry<SpaceSpec> {
  const name = stripLineEnds(given)
  if (name === '') refuse('ACCESS_REFUSED', 'operation not permitted on the default exchange')
  const space = link.broker.findSpace(link.namespace, spaceName(name))
  return space ?? refuse('NOT_FOUND', `no ${inVhost(link, 'exchange', name)}`)
}

/** The route that a binding is: how its key and arguments match depends on the type of the exchange it starts from. */
export function bindingRoute(
  space: Entry<SpaceSpec>,
  target: RouteTarget,
  key: string,
  table: readonly Header[],
): RouteSpec {
  const { pattern, predicate } = matching(space, key, table)
  const facts: BindingFacts = { key, arguments: argumentsJson(table) }
  return {
    kind: 'route',
    space: space.id,
    pattern,
    ...(predicate === undefined ? undefined : { predicate }),
    target,
    attributes: { amqp: facts as unknown as Json },
    tags: { by: 'amqp' },
  }
}

/** The binding's route, if it is there: nothing is compared but what the client says. */
export function findBinding(link: Link, source: Id, target: Id, key: string, table: readonly Header[]): Id | undefined {
  const wanted = argumentsJson(table)
  for (const { id, spec } of link.broker.routes(target)) {
    if (spec.space !== source) continue
    const facts = (spec.attributes as { amqp?: BindingFacts } | undefined)?.amqp
    if (facts?.key !== key || facts.arguments.length !== wanted.length) continue
    if (wanted.every((item, i) => item[0] === facts.arguments[i]![0] && sameArgument(item, facts.arguments[i])))
      return id
  }
  return undefined
}

const everything: Pattern = { levels: [{ any: 'rest' }] }

function matching(
  space: Entry<SpaceSpec>,
  key: string,
  table: readonly Header[],
): { pattern: Pattern; predicate?: Predicate } {
  switch (exchangeFacts(space).type) {
    case 'direct':
      return { pattern: { levels: decodeName(key) } }
    case 'fanout':
      return { pattern: everything }
    case 'topic':
      return { pattern: { levels: topicPattern(key) } }
    case 'headers':
      return { pattern: everything, predicate: headersPredicate(table) }
  }
}

/** x-match all | any | all-with-x | any-with-x; without `-with-x`, arguments that begin with `x-` do not count. */
function headersPredicate(table: readonly Header[]): Predicate {
  const given = argument(table, 'x-match')
  const match = given === undefined ? 'all' : textOf(given)
  const known = match === 'all' || match === 'any' || match === 'all-with-x' || match === 'any-with-x'
  if (!known) {
    refuse(
      'PRECONDITION_FAILED',
      `Invalid x-match field value <<"${match ?? ''}">>; expected all, any, all-with-x, or any-with-x`,
    )
  }
  const counts = (name: string): boolean => name !== 'x-match' && (match.endsWith('-with-x') || !name.startsWith('x-'))
  const of = table
    .filter(({ name }) => counts(name))
    .map(({ name, value }): Predicate =>
      value.type === 'null' ? { op: 'exists', header: name } : { op: 'equal', header: name, value: jsonOf(value) },
    )
  return { op: match.startsWith('all') ? 'all' : 'any', of }
}
