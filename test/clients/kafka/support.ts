import type { TestContext } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { startTestBroker } from '../../support/index.ts'

/** A broker whose Kafka groups may time out fast, and its address. */
export async function startKafka(t: TestContext, settings: Record<string, unknown> = {}): Promise<string> {
  const kafka = { groupSessionTimeoutMinMs: 200, ...settings }
  const broker = await startTestBroker(t, { settings: { protocols: { kafka } } })
  return broker.address('kafka')
}

export function kafkajs(address: string): Kafka {
  return new Kafka({ brokers: [address], clientId: 'test', logLevel: logLevel.NOTHING, retry: { retries: 3 } })
}

/** Collects what arrives, and waits for a number of them. */
export class Inbox<T> {
  readonly items: T[] = []
  private wake: () => void = () => undefined

  push(item: T): void {
    this.items.push(item)
    this.wake()
  }

  async take(count: number, timeoutMs = 20_000): Promise<T[]> {
    const until = Date.now() + timeoutMs
    while (this.items.length < count) {
      const leftMs = until - Date.now()
      if (leftMs <= 0) throw new Error(`${this.items.length} of ${count} came`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs)
        this.wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    return this.items.slice(0, count)
  }
}
