import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { eventually } from '../support/index.ts'
import { sleep } from '../overload/scene.ts'
import { workingMb } from '../overload/case.ts'
import { blows, dribbles } from './attacks.ts'
import { checkCalm, memoryMb, open, timeoutMs, tool } from './setting.ts'

/** Sends and waits for the end; how long it took, ms. */
function strike(port: number, bytes: Buffer, half: boolean): Promise<number> {
  const began = performance.now()
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.resume()
  if (half) socket.end(bytes)
  else socket.write(bytes)
  return new Promise((resolve) => socket.once('close', () => resolve(performance.now() - began)))
}

const closedWithinMs = 20_000

test('what cannot be meant gets an error or a close', { skip: tool.missing, timeout: timeoutMs }, async (t) => {
  const scene = await open(t)
  const slowest = { name: '', ms: 0 }
  for (const { name, port, bytes, half } of blows) {
    const closing = Promise.all([0, 1, 2].map(() => strike(scene.broker.port(port), bytes(), half === true)))
    const late = sleep(closedWithinMs).then(() => [Infinity])
    const ms = Math.max(...(await Promise.race([closing, late])))
    assert.ok(ms < closedWithinMs, `${name}: not closed in ${closedWithinMs} ms`)
    if (ms > slowest.ms) Object.assign(slowest, { name, ms })
  }
  await checkCalm(scene, 0)
  const { idleMb, peakMb } = scene.memory
  t.diagnostic(
    `${blows.length} blows, three of each: all closed, the slowest after ${slowest.ms.toFixed(0)} ms (${slowest.name}); RSS ${idleMb.toFixed(0)} idle, ${peakMb.toFixed(0)} MB peak`,
  )
  assert.ok(peakMb < idleMb + workingMb + memoryMb, `${peakMb} MB`)
})

test('who begins and does not go on is closed', { skip: tool.missing, timeout: timeoutMs }, async (t) => {
  const scene = await open(t)
  const each = 10
  const openNow = new Map<string, number>()
  const timers: NodeJS.Timeout[] = []
  t.after(() => {
    for (const timer of timers) clearInterval(timer)
  })
  const began = performance.now()
  for (const { name, port, begin, byte } of dribbles) {
    openNow.set(name, each)
    for (let i = 0; i < each; i++) {
      const socket = connect(scene.broker.port(port), '127.0.0.1')
      socket.on('error', () => undefined)
      socket.resume()
      socket.write(begin())
      if (byte >= 0) timers.push(setInterval(() => void socket.write(Buffer.from([byte])), 300))
      socket.once('close', () => openNow.set(name, openNow.get(name)! - 1))
    }
  }
  const left = (): string[] => [...openNow].filter(([, count]) => count > 0).map(([name, count]) => `${count} ${name}`)
  await eventually(() => left().length === 0, 'all are closed', 40_000).catch(() => undefined)
  assert.deepEqual(left(), [])
  await checkCalm(scene, 0)
  t.diagnostic(
    `${dribbles.length * each} connections in ${dribbles.length} ways to say nothing: all closed after ${((performance.now() - began) / 1000).toFixed(1)} s, RSS ${scene.memory.peakMb.toFixed(0)} MB peak`,
  )
})
