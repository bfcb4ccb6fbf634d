/** The functions of a `.cpuprofile` that the processor spent most time in, themselves and without what they called. */
import path from 'node:path'

export interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  /** Microseconds before each sample. */
  timeDeltas: number[]
}

export interface Hot {
  name: string
  ms: number
  /** Of the time in which the processor was not idle. */
  share: number
}

export function hottest({ nodes, samples, timeDeltas }: CpuProfile, count: number): Hot[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const spent = new Map<string, number>()
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? '(unknown)'
    spent.set(name, (spent.get(name) ?? 0) + Math.max(0, timeDeltas[index] ?? 0) / 1000)
  }
  spent.delete('(idle)')
  const busyMs = [...spent.values()].reduce((total, ms) => total + ms, 0)
  return [...spent]
    .map(([name, ms]) => ({ name, ms, share: ms / busyMs }))
    .sort((a, b) => b.ms - a.ms)
    .slice(0, count)
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName
  return url === '' ? name : `${name} ${path.basename(url)}:${lineNumber + 1}`
}

export const hotLines = (hot: readonly Hot[]): string[] =>
  hot.map(({ name, ms, share }) => `${(share * 100).toFixed(1).padStart(6)} % ${ms.toFixed(0).padStart(7)} ms  ${name}`)
