import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { eventually, toolchain } from '../support/index.ts'
import { loadFolder, Scene } from '../overload/scene.ts'

export const tool = await toolchain.go('overload', loadFolder)
export const timeoutMs = 300_000
export const memoryMb = 64
const connectionsMax = 300
const settings = {
  DRAGOMAN_LIMITS_MEMORY_BYTES: `${memoryMb} MiB`,
  DRAGOMAN_LIMITS_FIRST_BYTE_MS: '2s',
  DRAGOMAN_LIMITS_LOGIN_MS: '2s',
  DRAGOMAN_LIMITS_MESSAGE_MS: '2s',
  DRAGOMAN_LIMITS_CONNECTIONS_MAX: String(connectionsMax),
}

export const open = (t: TestContext): Promise<Scene> => Scene.open(t, { tool, timeoutMs, env: settings })

/** No session failed, and nothing of the attack is left. */
export async function checkCalm(scene: Scene, connectionsLeft: number): Promise<void> {
  const names = ['kafka', 'amqp', 'mqtt', 'mqtt-ws']
  const sum = async (metric: string): Promise<number> => {
    const values = names.map((name) => scene.metric(`${metric}{listener="${name}"}`))
    return (await Promise.all(values)).reduce((total, value) => total + value, 0)
  }
  await eventually(async () => (await sum('dragoman_connections')) <= connectionsLeft, 'all of it is gone', 20_000)
  assert.equal(await sum('dragoman_session_failures_total'), 0, scene.broker.process.stderr)
}
