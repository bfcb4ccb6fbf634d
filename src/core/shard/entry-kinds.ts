/** Kinds of journal entry. Stored: never renumber, only add. */
export const entryKind = {
  /** Object 0. End of the reserved ids, f64. */
  ids: 1,
  /** The object's whole new catalogue value, as JSON; empty: dropped. */
  catalogue: 2,
  /** A session's whole new value, as JSON; empty: its last epoch ended. */
  session: 3,
  /** One saved key of a session; see `session/codec.ts`. */
  saved: 4,
  /** Positions of a positional subscription. */
  positions: 5,
  /** Of a leased subscription: partition index uvarint, then what happened in its `LeaseQueue`. */
  leases: 6,
} as const
