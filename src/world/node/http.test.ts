import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listenHttp } from './http.ts'

test('bodies count until they are answered: more of them than there is room for are told so', async (t) => {
  const answers = Promise.withResolvers<undefined>()
  let whole = 0
  let wake = (): void => undefined
  const listening = await listenHttp(
    { host: '127.0.0.1', port: 0 },
    async () => {
      whole++
      wake()
      await answers.promise
      return { status: 200, type: 'text/plain', body: 'done' }
    },
    100,
  )
  assert.ok('ok' in listening)
  t.after(() => listening.ok.close())
  const { host, port } = listening.ok.bound
  const post = async (): Promise<number> => {
    const response = await fetch(`http://${host}:${port}/`, { method: 'POST', body: Buffer.alloc(16 * 1024 * 1024) })
    await response.text()
    return response.status
  }
  const first: Promise<number>[] = []
  while (whole < 4) {
    const arrived = new Promise<void>((resolve) => (wake = resolve))
    first.push(post())
    await arrived
  }
  assert.equal(await post(), 503)
  answers.resolve(undefined)
  assert.deepEqual(await Promise.all(first), [200, 200, 200, 200])
  assert.equal(await post(), 200)
})
