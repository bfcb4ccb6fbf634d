import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { root, start } from '../support/index.ts'
import { sleep } from '../overload/scene.ts'
import { workingMb } from '../overload/case.ts'
import type { Load } from '../overload/load.ts'
import { floods, type Flood } from './attacks.ts'
import { checkCalm, memoryMb, open, timeoutMs, tool } from './setting.ts'

const attackSeconds = 3

/** What the bystander got done while the flood went to this port, messages a second; and the flood's own report. */
async function during(healthy: Load, flood: Flood, port: number): Promise<{ rate: number; report: string }> {
  const args = [path.join(root, 'test/hostile/attacker.ts'), flood.name, String(port), String(attackSeconds)]
  const attacker = start(process.execPath, args, { cwd: root })
  try {
    await attacker.waitFor(/ready/)
    const before = healthy.last?.answered ?? 0
    const began = performance.now()
    attacker.write('go\n')
    const { stdout } = await attacker.ended
    const answered = (healthy.last?.answered ?? 0) - before
    return { rate: answered / ((performance.now() - began) / 1000), report: stdout.trim().split('\n').at(-1) ?? '' }
  } finally {
    await attacker.stop('SIGKILL')
  }
}

const shareMin = 0.5
const triesMax = 3

test('an ordinary client goes on beside floods', { skip: tool.missing, timeout: timeoutMs }, async (t) => {
  const scene = await open(t)
  const sink = start(process.execPath, [path.join(root, 'test/hostile/sink.ts')], { timeoutMs })
  t.after(() => sink.stop('SIGKILL'))
  const sinkPort = Number((await sink.waitFor(/port (\d+)/))[1])
  await scene.declare('amqp', { target: 'healthy' })
  await scene.consumers('amqp', { target: 'healthy', prefetch: 200 })
  const healthy = await scene.publishers('amqp', { target: 'healthy', connections: 2, window: 50, size: 200 })
  await sleep(2000)
  for (const flood of floods) {
    let share = 0
    let line = ''
    for (let tries = 0; tries < triesMax && share < shareMin; tries++) {
      const beside = await during(healthy, flood, sinkPort)
      const under = await during(healthy, flood, scene.broker.port(flood.port))
      share = under.rate / beside.rate
      line = `${flood.name}: ${under.rate.toFixed(0)}/s, ${beside.rate.toFixed(0)}/s with the same against nobody; ${under.report}; RSS ${scene.memory.nowMb.toFixed(0)} MB`
    }
    t.diagnostic(line)
    assert.ok(share >= shareMin, line)
    assert.ok(scene.memory.peakMb <= scene.memory.idleMb + workingMb + memoryMb, line)
    await checkCalm(scene, 3)
  }
  healthy.tell('stop')
  await healthy.wait('done')
})
