import type { Id, RouteSpec } from '../facade/index.ts'

/** Which routes have to do with an object: start in it, lead to it, belong to it. */
export class RouteIndex {
  private readonly ends = new Map<Id, readonly Id[]>()
  private readonly byEnd = new Map<Id, Set<Id>>()

  add(id: Id, spec: RouteSpec): void {
    const ends = [spec.space, ...Object.values<Id>(spec.target), ...(spec.owner === undefined ? [] : [spec.owner])]
    this.ends.set(id, ends)
    for (const end of ends) {
      const routes = this.byEnd.get(end)
      if (routes === undefined) this.byEnd.set(end, new Set([id]))
      else routes.add(id)
    }
  }

  remove(id: Id): void {
    for (const end of this.ends.get(id) ?? []) {
      const routes = this.byEnd.get(end)
      routes?.delete(id)
      if (routes?.size === 0) this.byEnd.delete(end)
    }
    this.ends.delete(id)
  }

  of(end: Id): readonly Id[] {
    return [...(this.byEnd.get(end) ?? [])]
  }
}
