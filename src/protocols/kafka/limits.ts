/** Slices up to this size are copied into the response, larger ones are sent as they are (a slice costs about as much). */
export const copyBytesMax = 4096

/** The largest request that is read, as Kafka's `socket.request.max.bytes`; more where larger messages are allowed. */
export const requestBytesMax = 100 * 1024 * 1024
/** Items of all arrays of a request together: topics, partitions, configurations. */
export const requestItemsMax = 100_000
/** Topics that one Metadata or Produce request may make; the others are made when the client asks again. */
export const autoCreatedMax = 1000
/** What a request holds beside the largest message. */
export const requestBytesBeside = 1024 * 1024

/** Requests of one connection that are under way together (only Produce may be); clients have 5 in flight by default. */
export const requestsUnderWayMax = 64
export const requestBytesUnderWayMax = 16 * 1024 * 1024

/** While the disk is slower than the producers, they are asked to wait as long as their request took, but not longer. */
export const throttleMsMax = 1000
/** Who has less under way is not the cause, and is not asked. */
export const throttledBytesMin = 64 * 1024

/** Unread input of a connection that is busy; above it the socket is not read. */
export const inputBytesHigh = 256 * 1024

/** Unfinished requests of all connections together; above it whoever has sent much of a large one is closed. */
export const inputBytesMax = 256 * 1024 * 1024
export const inputBytesFair = 1024 * 1024

/** As `fetch.max.bytes` of a broker: what one response holds, but for a single batch that is larger. */
export const fetchBytesMax = 55 * 1024 * 1024
/** Batches of other protocols that are kept in the form in which Kafka consumers see them. */
export const foreignBytesMax = 8 * 1024 * 1024
/** Memory for answers that is used again: a partition's part of a fetch, and those of the largest fetch and a half. */
export const answerSlabBytes = 1024 * 1024
export const answerSlabsKept = 16
export const fetchWaitMsMax = 5 * 60_000

/** Committed offsets in one answer, but for those of its first group. */
export const answerOffsetsMax = 100_000
/** Partitions that are looked through by time at once, for all and for one request: each has its own extents in memory. */
export const searchesMax = 8
export const requestSearchesMax = 4

/** `offset.metadata.max.bytes`. */
export const offsetNoteBytesMax = 4096

/** Of a topic, and that one request makes. */
export const partitionsMax = 10_000
export const tooManyPartitions = `one request makes ${partitionsMax} partitions at most`
export const groupMembersMax = 5000
/** Metadata that a member brings, and an assignment that it gets. */
export const memberBytesMax = 1024 * 1024
/** Ways to share out partitions that a member knows; clients know a handful. */
export const memberProtocolsMax = 100
/** What the members of all groups together make the broker hold, and what one is counted as beside its bytes. */
export const groupBytesMax = 64 * 1024 * 1024
export const memberBytesBeside = 1024
/** Groups with members, on one broker. */
export const groupsMax = 10_000

/** There is one broker, and its leader epoch never changes: a partition never moves. */
export const nodeId = 1
export const leaderEpoch = 0
export const clusterId = 'dragoman'

/** "No authorized operations asked for". */
export const noOperations = -2147483648
