/** A promise of the broker that was not kept. */
export class Violation extends Error {
  override name = 'Violation'
}
