import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { toolchain } from './index.ts'

const [kcat, mosquittoPub, python, java] = await Promise.all([
  toolchain.command('kcat'),
  toolchain.command('mosquitto_pub'),
  toolchain.python(),
  toolchain.java(),
])

test('kcat runs', { skip: kcat.missing }, async () => {
  const { stdout } = await kcat.run(['-V'])
  assert.match(stdout, /kcat/)
})

test('mosquitto_pub runs', { skip: mosquittoPub.missing }, async () => {
  const { stdout } = await mosquittoPub.run(['--help'], { allowFailure: true })
  assert.match(stdout, /mosquitto_pub/)
})

test('python has paho and pika', { skip: python.missing }, async () => {
  const { stdout } = await python.run(['-c', 'import paho.mqtt.client, pika; print(pika.__version__)'])
  assert.match(stdout, /^1\./)
})

test('java has the clients and the console tools', { skip: java.missing }, async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'java-'))
  t.after(() => {
    rmSync(folder, { recursive: true })
  })
  const file = path.join(folder, 'Versions.java')
  writeFileSync(
    file,
    `public class Versions { public static void main(String[] a) throws Exception {
      System.out.println(org.apache.kafka.common.utils.AppInfoParser.getVersion());
      System.out.println(new com.rabbitmq.client.ConnectionFactory().getPort()); } }`,
  )
  const { stdout } = await java.run([file])
  assert.match(stdout, /^4\.1\.1\n5672/)
  const help = await java.run([toolchain.javaConsole.producer, '--version'], { allowFailure: true })
  assert.match(help.stdout + help.stderr, /4\.1\.1/)
})
