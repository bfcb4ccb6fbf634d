import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Report } from '../load.ts'
import { othersMb, type Case, type Row, type Stage } from '../case.ts'
import { sleep } from '../scene.ts'
import { cLibrary, temporaryFolder } from '../../support/index.ts'

const memoryMb = 64

/** By which means a protocol holds its publishers back. */
const means: Record<string, (report: Report) => [told: boolean, text: string]> = {
  amqp: (report) => [report.blocked > 0, `connection.blocked ${report.blocked} times, unblocked ${report.unblocked}`],
  kafka: (report) => [report.throttleMs > 0, `throttle_time_ms of ${(report.throttleMs / 1000).toFixed(1)} s in all`],
  mqtt: (report) => [report.receiveMaximum > 0, `a receive maximum of ${report.receiveMaximum}`],
}

/** Publishers that are faster than the disk: held back, answered in their turn, and at full speed when it is. */
async function slow(stage: Stage, protocol: string): Promise<Row> {
  const seconds = stage.size(6, 60)
  const connections = stage.size(20, 200)
  const control = path.join(temporaryFolder(stage.t), 'speed')
  const set = (ms: number, kibPerSecond: number): void => writeFileSync(control, `${ms} ${kibPerSecond}`)
  set(0, 0)
  const scene = await stage.open({
    settings: { LIMITS_MEMORY_BYTES: `${memoryMb} MiB` },
    env: { LD_PRELOAD: cLibrary('test/overload/slow-disk.c'), SLOW_DISK: control },
  })
  // Less than its part of the disk, which is 30 KB a second for each of 200: what asks for more cannot but fall behind.
  await stage.bystander(protocol, { rate: stage.size(100, 20) })
  await stage.before()
  const targets = { target: 'disk', targets: 10 }
  await scene.declare(protocol, targets)
  // Somebody who listens, so that there is something to store; and consumers whose acknowledgements must get through.
  const consumers = await scene.consumers(protocol, { ...targets, connections: 10, session: true, prefetch: 100 })
  set(5, 6 * 1024)
  const publishers = await scene.publishers(protocol, {
    ...targets,
    connections,
    window: 1000,
    size: 4000,
    keepalive: 600,
  })
  stage.mark('during')
  let stagedMax = 0
  for (let i = 0; i < seconds * 4; i++) {
    await sleep(250)
    stagedMax = Math.max(stagedMax, await scene.metric('dragoman_staged_bytes'))
  }
  stage.mark(null)
  const slowly = publishers.last!
  const heldBackMs = slowly.writeBlockedMs
  set(0, 0)
  const began = performance.now()
  const rates: number[] = []
  while (performance.now() - began < 20_000) {
    const before = publishers.last!
    await sleep(1000)
    const after = publishers.last!
    rates.push((after.answered - before.answered) / Math.max(0.001, after.seconds - before.seconds))
    if (rates.length >= 3 && rates.at(-1)! > 2 * (slowly.answered / slowly.seconds)) break
  }
  const recoveryMs = performance.now() - began
  publishers.tell('stop')
  // Each may have a thousand on its way.
  const done = await publishers.wait('done', stage.size(120_000, 600_000))
  await stage.after()
  const slowRate = slowly.answered / slowly.seconds
  assert.ok(rates.at(-1)! > 2 * slowRate, `at full speed again: ${rates.map((rate) => rate.toFixed(0)).join(', ')}/s`)
  assert.equal(done.refused, 0)
  const staged = stagedMax / 1024 / 1024
  assert.ok(staged <= memoryMb / 8 + connections / 16, `${staged} MiB wait for the disk`)
  const [told, text] = means[protocol]!(slowly)
  assert.ok(told, `${protocol} was told nothing`)
  await scene.eventually(
    () => (consumers.last?.messages ?? 0) >= done.answered * 0.99,
    'consumers have got what was published',
    60_000,
  )
  stage.checkMemory(memoryMb, othersMb({ connections }))
  stage.checkBystanders(0.25, 10_000)
  return {
    asked: `${connections} ${protocol} publishers on a disk of 6 MiB/s, ${memoryMb} MiB allowed`,
    told: `${text}; TCP made them wait for ${(heldBackMs / 1000).toFixed(1)} s in all`,
    recovery: `${slowRate.toFixed(0)}/s became ${rates.at(-1)!.toFixed(0)}/s, ${(recoveryMs / 1000).toFixed(1)} s after the disk was fast`,
    more: `at most ${staged.toFixed(1)} MiB waited for the disk; of ${(slowly.answered / connections).toFixed(0)} answers to each the last had ${slowly.least}, at most ${(slowly.longestMs / 1000).toFixed(1)} s apart`,
  }
}

export const slowDiskCases: readonly Case[] = ['amqp', 'mqtt', 'kafka'].map((protocol) => ({
  name: `slow-disk-${protocol}`,
  run: (stage: Stage) => slow(stage, protocol),
}))
