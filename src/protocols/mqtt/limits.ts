/** Before CONNECT nobody is known: its largest form is a will and four strings of 64 KiB, and few user properties. */
export const connectBytesMax = 512 * 1024

/** A CONNECT that cannot be answered, since the storage has failed, waits so long. Clients wait 30 s and more. */
export const storageWaitMs = 10_000

/** MQTT-3.1.2-22: silent for one and a half times the keep alive, and the client is gone. */
export const keepAliveFactor = 1.5

/** Section 3.1.2.11.2: this session expiry means "never". */
export const neverExpires = 0xffff_ffff

/** A batch of publishes is closed beyond this size. */
export const batchBytesMax = 256 * 1024

/** What one turn publishes is committed when it is so much, though its chunk goes on. */
export const turnBytesMax = 1024 * 1024

/** With so much in commits under way the rest of a chunk waits: a topic alias makes much of few bytes. */
export const committingBytesMax = 8 * 1024 * 1024

/** Payloads up to this size are copied behind their header; larger ones go out as they lie. */
export const copyBytesMax = 4096

/** Output is handed to the peer in pieces of about this size, so that back-pressure is seen in time. */
export const outputBytesMax = 64 * 1024

/** Topics of a client's aliases, all together: as much as this, or so much for each that it may have. */
export const aliasBytesMin = 128 * 1024
export const aliasBytes = 2 * 1024

/** A longer topic gets no alias towards a client: it would be kept for the whole connection. */
export const aliasedTopicMax = 1024

/**
 * Packet identifiers of messages from the session's own log are made of the offset, so that a redelivery, even after
 * a restart of the broker, carries the identifier that the client knows (MQTT-4.4.0-1). The rest are given out.
 */
export const ownPacketIds = 32_768

/** What a waiting message costs beside its payload. */
export const parcelBytes = 200

/** What retained messages that are promised to a client cost before they are read. */
export const replayBytes = 1000

/** Runs of live messages kept while a subscription is being made; it takes as long as a commit. */
export const heldMax = 100_000

/** What an unsettled publish costs beside its payload. */
export const recordBytes = 64

/** Losses of slow subscribers are logged at most this often. */
export const lossLogMs = 10_000
