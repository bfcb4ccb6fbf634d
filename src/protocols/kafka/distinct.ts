/** The keys of those that are named twice. */
export function repeated<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlySet<string> {
  const [once, twice] = [new Set<string>(), new Set<string>()]
  for (const item of items) {
    const key = keyOf(item)
    if (once.has(key)) twice.add(key)
    once.add(key)
  }
  return twice
}

/** Each item once, by its key, in the order of their first: what is named twice is answered once. */
export function distinct<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  const found = new Map<string, T>()
  for (const item of items) {
    const key = keyOf(item)
    if (!found.has(key)) found.set(key, item)
  }
  return [...found.values()]
}
