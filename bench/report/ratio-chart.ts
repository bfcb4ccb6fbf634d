/** One bar for each comparison: how many times better ours is, on a logarithmic scale, with what was reached at least
 * and at most. */
import { short } from './format.ts'
import { rowsOf, type Results, type Row } from './results.ts'
import { colourOf, element, line, logScale, page, text } from './svg.ts'

const width = 900
const rowHeight = 20
const left = 400
const right = 60
const top = 60

/** Above 1 is better for us, whichever way the figure counts. */
export function advantage({ point, ratio }: Row): { median: number; min: number; max: number } | undefined {
  if (ratio === undefined) return undefined
  if (point.better === 'higher') return ratio
  return { median: 1 / ratio.median, min: 1 / ratio.max, max: 1 / ratio.min }
}

export function ratioChart(results: Results): string {
  const rows = results.workloads
    .filter(({ axis }) => axis === undefined)
    .flatMap(rowsOf)
    .filter(({ ratio, side }) => ratio !== undefined && !side.startsWith('dragoman/'))
  const height = top + rows.length * rowHeight + 40
  const x = logScale(0.05, 50, left, width - right)
  const bottom = height - 30
  const grid = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20].flatMap((value) => [
    line(x(value), top - 8, x(value), bottom, { stroke: value === 1 ? '#222' : '#ddd' }),
    text(x(value), bottom + 16, `${value} x`, { 'text-anchor': 'middle', class: 'dim' }),
  ])
  const bars = rows.flatMap((row, index) => {
    const { median, min, max } = advantage(row)!
    const y = top + index * rowHeight
    const [from, to] = [Math.min(x(1), x(median)), Math.max(x(1), x(median))]
    const middle = y + rowHeight / 2 - 2
    return [
      text(left - 10, y + 13, `${row.workload.name}, ${row.point.name}: ${row.side}`, { 'text-anchor': 'end' }),
      element('rect', { x: from, y: y + 2, width: Math.max(1, to - from), height: 13, fill: colourOf(row.side) }),
      line(x(min), middle, x(max), middle, { stroke: '#222', 'stroke-opacity': 0.5 }),
      text(width - right + 8, y + 13, `${short(median)} x`),
    ]
  })
  const { date, versions, machine } = results
  const peers = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return page(width, height, [
    text(10, 20, 'How many times better than the peer (to the right: ours is better)', { class: 'title' }),
    text(10, 38, `${date}, ${machine.cores} cores, ${peers.join(', ')}`, { class: 'dim' }),
    ...grid,
    ...bars,
  ])
}
