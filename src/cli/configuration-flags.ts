import type { Flag } from './command.ts'

/** The flags of every command that reads the configuration. */
export const configurationFlags = {
  config: { value: 'FILE', help: 'YAML file (default: dragoman.yaml if there is one, or $DRAGOMAN_CONFIG)' },
  listen: {
    value: 'NAME=HOST:PORT',
    help: 'kafka, amqp, mqtt, mqtt-ws or http; port 0 takes a free one, NAME=off listens not at all',
    multiple: true,
  },
  data: { value: 'DIR', help: 'the data folder (default: data)' },
  memory: { help: 'keep nothing on disk' },
  durability: { value: 'fsync|os', help: 'what an acknowledgement promises (default: fsync)' },
  log: { value: 'text|json', help: 'how log lines look (default: text)' },
  'log-level': { value: 'LEVEL', help: 'debug, info, warn or error (default: info)' },
  set: { value: 'KEY=VALUE', help: 'any key of the configuration, as limits.connectionsMax=100', multiple: true },
} as const satisfies Record<string, Flag>
