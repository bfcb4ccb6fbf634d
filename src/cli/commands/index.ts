import { reuseCompiled, startCommitWorkerAhead } from '../../world/node/index.ts'
import type { Command } from '../command.ts'
import { configurationFlags } from '../configuration-flags.ts'

const json = { help: 'the answer as JSON' } as const
const url = { value: 'URL', help: 'the HTTP API (default: http://127.0.0.1:8090, or $DRAGOMAN_URL)' } as const
const client = { url, json } as const
const none = { min: 0, max: 0 } as const

/** Every command, in the order of the help. */
export const commands: Readonly<Record<string, Command>> = {
  serve: {
    summary: 'Run the broker',
    usage: '[FLAGS]',
    example: 'dragoman serve --data /var/lib/dragoman --listen kafka=0.0.0.0:9092',
    flags: configurationFlags,
    positionals: none,
    run: async (input) => {
      // Its thread starts while all the rest is loaded: one after the other they took twice as long.
      startCommitWorkerAhead()
      reuseCompiled()
      return (await import('./serve.ts')).serve(input)
    },
  },
  config: {
    summary: 'Check the configuration and show what is in force',
    usage: '[--print] [FLAGS]',
    example: 'dragoman config --print --config dragoman.yaml',
    flags: {
      print: { help: 'print all of it as YAML' },
      json: { help: 'print all of it as JSON' },
      ...configurationFlags,
    },
    positionals: none,
    run: async (input) => (await import('./config.ts')).config(input),
  },
  backup: {
    summary: 'Copy everything, consistently, while the broker goes on',
    usage: 'FILE.tar|- [--json]     (of a broker that does not run: with --data DIR)',
    example: 'dragoman backup /backup/dragoman-$(date +%F).tar',
    flags: {
      data: { value: 'DIR', help: 'the data folder of a broker that does not run' },
      config: configurationFlags.config,
      ...client,
    },
    positionals: { min: 1, max: 1 },
    run: async (input) => (await import('./backup.ts')).backup(input),
  },
  restore: {
    summary: 'Make a new data folder of a backup, and read all of it',
    usage: 'FILE.tar|- --data NEWDIR [--json]',
    example: 'dragoman restore /backup/dragoman-2026-01-31.tar --data /var/lib/dragoman-restored',
    flags: { data: configurationFlags.data, config: configurationFlags.config, json },
    positionals: { min: 1, max: 1 },
    run: async (input) => (await import('./restore.ts')).restore(input),
  },
  check: {
    summary: 'Read all of a data folder and say what is damaged and what that costs',
    usage: '--data DIR [--json]     (the broker must not run on it)',
    example: 'dragoman check --data /var/lib/dragoman',
    flags: { data: configurationFlags.data, config: configurationFlags.config, json },
    positionals: none,
    run: async (input) => (await import('./check.ts')).check(input),
  },
  repair: {
    summary: 'Mend what is damaged, going on without what is lost; says so first',
    usage: '--data DIR [--yes] [--json]     (the broker must not run on it)',
    example: 'dragoman repair --data /var/lib/dragoman --yes',
    flags: {
      yes: { help: 'do it; without this it only says what it would do' },
      data: configurationFlags.data,
      config: configurationFlags.config,
      json,
    },
    positionals: none,
    run: async (input) => (await import('./repair.ts')).repair(input),
  },
  status: {
    summary: 'What the running broker is doing',
    usage: '[--json]',
    example: 'dragoman status',
    flags: client,
    positionals: none,
    run: async (input) => (await import('./listings.ts')).status(input),
  },
  topics: {
    summary: 'Logs, with their partitions, offsets and sizes',
    usage: '[PATTERN] [--json]',
    example: "dragoman topics 'orders.#'",
    flags: client,
    positionals: { min: 0, max: 1 },
    run: async (input) => (await import('./listings.ts')).topics(input),
  },
  queues: {
    summary: 'Queues, with what is ready, leased and delayed in them',
    usage: '[PATTERN] [--json]',
    example: 'dragoman queues',
    flags: client,
    positionals: { min: 0, max: 1 },
    run: async (input) => (await import('./listings.ts')).queues(input),
  },
  subscriptions: {
    summary: 'All delivery states: consumer groups with their lag, queues, sessions',
    usage: '[PATTERN] [--json]',
    example: 'dragoman subscriptions --json',
    flags: client,
    positionals: { min: 0, max: 1 },
    run: async (input) => (await import('./listings.ts')).subscriptions(input),
  },
  publish: {
    summary: 'Publish a message at an address, or append it to a log',
    usage: 'ADDRESS [BODY] [FLAGS]     (without BODY: standard input)',
    example: 'dragoman publish orders.eu \'{"id":1}\' --header source=cli',
    flags: {
      log: { help: 'ADDRESS is the name of a log or queue: append to it' },
      key: { value: 'KEY', help: 'the key of the record' },
      header: { value: 'NAME=VALUE', help: 'a header', multiple: true },
      'content-type': { value: 'TYPE', help: 'the content type' },
      ...client,
    },
    positionals: { min: 1, max: 2 },
    run: async (input) => (await import('./publish.ts')).publish(input),
  },
  tail: {
    summary: 'Show live what is published at addresses, by clients of any protocol',
    usage: '[PATTERN] [--json]     (* is one level, # any number)',
    example: "dragoman tail 'orders.#'",
    flags: { count: { value: 'N', help: 'stop after so many messages' }, ...client },
    positionals: { min: 0, max: 1 },
    run: async (input) => (await import('./tail.ts')).tail(input),
  },
  dlq: {
    summary: 'Dead letters: list them, or send them back to where they came from',
    usage: 'list [QUEUE] | redrive QUEUE [--limit N]',
    example: 'dragoman dlq redrive orders.dead --limit 100',
    flags: { limit: { value: 'N', help: 'at most so many messages' }, ...client },
    positionals: { min: 1, max: 2 },
    run: async (input) => (await import('./dlq.ts')).dlq(input),
  },
}
