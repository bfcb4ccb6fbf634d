/** Bounds, in the specification's words where it has them. */
export const limits = {
  /** frame-min-size: what every peer must take, and the smallest frame_max that may be negotiated. */
  frameBytesMin: 4096,
  /** What we offer in connection.tune; also the bound before it is negotiated. */
  frameBytesMax: 131_072,
  /** Highest channel number, and so the number of channels of a connection. */
  channelMax: 2047,
  heartbeatSeconds: 60,
  /** How long the client has to answer our connection.close. */
  closeMs: 5_000,
  /** The largest message body that may be configured, and the default. */
  bodyBytesMax: 128 * 1024 * 1024,
  /** Of all bodies of a connection that are still arriving, on several channels. */
  arrivingBytesMax: 256 * 1024 * 1024,
  /** Held for tx.commit by all channels of a connection, with what each publish and acknowledgement costs by itself. */
  transactionBytesMax: 64 * 1024 * 1024,
  /** Of one record batch made from publishes; a larger body is a batch of its own. */
  batchBytesMax: 1024 * 1024,
  /** Replies that wait for something; beyond it we stop reading from the client. */
  repliesMax: 4096,
  /** Granted to a consumer ahead of what its client has taken from us, where prefetch allows more. */
  windowMessages: 2000,
  windowBytes: 4 * 1024 * 1024,
  /** The same for all consumers of a connection together, in equal parts, but each at least `windowBytesMin`. */
  connectionWindowBytes: 32 * 1024 * 1024,
  windowBytesMin: 16 * 1024,
  /** x-max-priority. */
  priorityMax: 255,
} as const
