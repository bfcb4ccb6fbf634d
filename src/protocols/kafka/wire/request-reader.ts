import { MalformedError, Reader } from '../../../base/index.ts'
import { requestItemsMax } from '../limits.ts'

/**
 * Reads one request. An item may take two bytes on the wire and a hundred times as much in memory, so that all arrays
 * together have a bound: 100 MB of empty names would be more than the process can hold.
 */
export class RequestReader extends Reader {
  private items = requestItemsMax

  /** To be called before room is made for `count` items. */
  charge(count: number): void {
    this.items -= count
    if (this.items < 0) throw new MalformedError(`more than ${requestItemsMax} items in a request`)
  }
}
