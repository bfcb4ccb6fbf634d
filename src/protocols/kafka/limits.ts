/** Slices up to this size are copied into the response, larger ones are sent as they are (a slice costs about as much). */
export const COPY_BYTES_MAX = 4096

/** The largest request that is read, as Kafka's `socket.request.max.bytes`. */
export const REQUEST_BYTES_MAX = 100 * 1024 * 1024
