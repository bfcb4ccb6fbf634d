import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Outbox } from './outbox.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Tells, in words, what went out in which order. `commit(n)` lets those go that wait for it. */
function setUp() {
  const said: string[] = []
  let gathered: string[] = []
  const outbox = new Outbox(() => undefined)
  outbox.gathered = () => {
    said.push(gathered.join('+'))
    gathered = []
  }
  const failed = (error: unknown): void => void said.push(`failed ${String(error)}`)
  const waits = (name: string, gathers = false) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const reply = (value: string): void => void (gathers ? gathered : said).push(value)
    outbox.after(promise, reply, failed, gathers)
    return { go: () => resolve(name), fail: () => reject('it') }
  }
  return { outbox, said, waits }
}

test('what becomes due in one turn and gathers is said once, in order', async () => {
  const { said, waits } = setUp()
  const all = ['a', 'b', 'c', 'd'].map((name) => waits(name, true))
  for (const one of [1, 0, 2]) all[one]!.go()
  await turn()
  assert.deepEqual(said, ['a+b+c'])
  all[3]!.go()
  await turn()
  assert.deepEqual(said, ['a+b+c', 'd'])
})

test('another reply goes neither before what was gathered in front of it nor behind what follows', async () => {
  const { outbox, said, waits } = setUp()
  const all = [waits('a', true), waits('b', true), waits('other'), waits('c', true)]
  outbox.push(() => said.push('last'))
  for (const one of [3, 2, 1]) all[one]!.go()
  await turn()
  assert.deepEqual(said, [], 'the first one holds back the rest')
  all[0]!.go()
  await turn()
  assert.deepEqual(said, ['a+b', 'other', 'c', 'last'])
})

test('a failure is told after what was gathered before it', async () => {
  const { said, waits } = setUp()
  const [first, second, third] = [waits('a', true), waits('b', true), waits('c', true)]
  first.go()
  second.fail()
  third.go()
  await turn()
  assert.deepEqual(said, ['a', 'failed it', 'c'])
})

test('nothing is said when the connection has gone in between', async () => {
  const { outbox, said, waits } = setUp()
  const one = waits('a', true)
  one.go()
  outbox.drop()
  await turn()
  assert.deepEqual(said, [])
})
