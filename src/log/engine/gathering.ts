/** Larger commits gain nothing: while they are on their way there is enough to do for the next. */
const gatheredBytesMax = 256 * 1024
/** How long is waited at most: so much of what a commit takes. */
const shareMax = 1 / 3
const waitMsMax = 5
/** Where commits are faster nobody waits: a timer cannot do less than 1 ms, and clients take some 0.3 to come again. */
const commitMsMin = 3
/** When so many attempts of late were in vain, it is tried now and then only. */
const worthMin = 0.7
const attemptEvery = 256

/**
 * Whether a commit waits a moment for company. Whoever has a few requests on the way sends as many again when they are
 * answered. Without this the first of them begins a commit alone and the others wait for the next one, and so on for ever:
 * groups of one and four take turns, two syncs for five requests.
 *
 * So a commit waits until as much is there as has just been answered and was there already: some 0.1 ms, when all goes
 * well. If it does not come, that is noted, and soon nobody waits any more. One request in flight never waits.
 */
export class Gathering {
  private expected = 0
  private answeredAt = -Infinity
  private commitMs = 0
  private since = -1
  /** Share of the attempts that went well, of late. */
  private worth = 1
  private rest = 0

  get waiting(): boolean {
    return this.since >= 0
  }

  /** How long is waited at most, ms. */
  get limitMs(): number {
    return Math.min(waitMsMax, this.commitMs * shareMax)
  }

  /** A commit of so many extents is done, and others were staged meanwhile. Times in ms. */
  answered(extents: number, staged: number, now: number, tookMs: number): void {
    const outstanding = extents + staged
    // More may have come that nobody has read from its socket yet: one commit that says less is not believed.
    this.expected = Math.max(outstanding, this.expected + (outstanding - this.expected) * 0.1)
    this.answeredAt = now
    this.commitMs += (tookMs - this.commitMs) * 0.1
    if (this.rest > 0) this.rest--
  }

  /** With that staged, is it better to wait for more? To be asked again whenever there is more, and after `limitMs`. */
  waits(staged: number, bytes: number, now: number): boolean {
    if (this.waiting) return this.goesOn(staged, now)
    if (this.commitMs < commitMsMin || this.rest > 0 || bytes > gatheredBytesMax) return false
    if (staged === 0 || staged >= Math.round(this.expected)) return false
    // Who was answered long ago has something else to do.
    if (now - this.answeredAt > this.commitMs) return false
    this.since = now
    return true
  }

  private goesOn(staged: number, now: number): boolean {
    const waitedMs = now - this.since
    const all = staged >= Math.round(this.expected)
    if (!all && waitedMs < this.limitMs) return true
    this.since = -1
    if (!all) this.expected = staged
    // Those who were answered come at once. Who comes anyway, at some rate, takes as long as before.
    const well = all && waitedMs < this.commitMs / 2
    this.worth += ((well ? 1 : 0) - this.worth) * 0.1
    if (this.worth < worthMin) this.rest = attemptEvery
    return false
  }
}
