/** A panel for each workload with an axis: throughput over the number of partitions, queues, consumers or megabytes. */
import { short } from './format.ts'
import { rowsOf, type Results, type Row, type StoredWorkload } from './results.ts'
import { at, colourOf, element, line, logScale, page, text } from './svg.ts'

const panelWidth = 440
const panelHeight = 240
const perRow = 2
const inner = { left: 70, right: 20, top: 50, bottom: 50 }

export function growthChart(results: Results): string | undefined {
  const panels = results.workloads.filter(({ axis }) => axis !== undefined)
  if (panels.length === 0) return undefined
  const height = Math.ceil(panels.length / perRow) * panelHeight + 40
  const parts = panels.map((workload, index) => {
    const [x, y] = [(index % perRow) * panelWidth, Math.floor(index / perRow) * panelHeight + 40]
    return element('g', { transform: `translate(${x} ${y})` }, panel(workload))
  })
  const title = text(10, 22, 'Messages a second as there is more of everything (solid), CPU s per million (dashed)', {
    class: 'title',
  })
  return page(panelWidth * perRow, height, [title, ...parts])
}

const rateOf = (row: Row): number => row.value.median
const costOf = (row: Row): number | undefined => row.cpuSecondsPerMillion

function panel(workload: StoredWorkload): string {
  const rows = rowsOf(workload)
  if (rows.length === 0) return text(10, 20, `${workload.title}: nothing was measured`)
  const sizes = workload.points.map(({ name }) => Number(name))
  const x = logScale(Math.min(...sizes), Math.max(...sizes), inner.left, panelWidth - inner.right)
  const bottom = panelHeight - inner.bottom
  const rates = scaleOf(rows.map(rateOf), bottom)
  const costs = scaleOf(
    rows.map(costOf).filter((cost) => cost !== undefined),
    bottom,
  )
  const grid = sizes.map((size) => text(x(size), bottom + 16, short(size), { 'text-anchor': 'middle', class: 'dim' }))
  const marks = rates.marks.flatMap((mark) => [
    line(inner.left, rates.y(mark), panelWidth - inner.right, rates.y(mark), { stroke: '#ddd' }),
    text(inner.left - 6, rates.y(mark) + 4, short(mark), { 'text-anchor': 'end', class: 'dim' }),
  ])
  const sides = workload.sides.map(({ side }) => side).filter((side) => rows.some((row) => row.side === side))
  const lines = sides.flatMap((side, index) => {
    const own = rows.filter((row) => row.side === side)
    const place = (row: Row, y: number): string => `${at(x(Number(row.point.name)))},${at(y)}`
    const rate = own.map((row) => place(row, rates.y(rateOf(row)))).join(' ')
    const cost = own.flatMap((row) => (costOf(row) === undefined ? [] : [place(row, costs.y(costOf(row)!))])).join(' ')
    const stroke = { fill: 'none', stroke: colourOf(side) }
    return [
      element('polyline', { points: rate, 'stroke-width': 2, ...stroke }),
      element('polyline', { points: cost, 'stroke-dasharray': '4 3', ...stroke }),
      text(inner.left + index * 150, 40, side, { style: `fill:${colourOf(side)}` }),
    ]
  })
  return [
    text(10, 18, `${workload.title}, by ${workload.axis}`, { style: 'font-weight:bold' }),
    ...grid,
    ...marks,
    ...lines,
  ].join('\n')
}

/** From zero, so that flat looks flat. */
function scaleOf(values: readonly number[], bottom: number): { y(value: number): number; marks: number[] } {
  const highest = Math.max(...values, 1e-9)
  const y = (value: number): number => bottom - (value / highest) * (bottom - inner.top)
  return { y, marks: [0, highest / 2, highest] }
}
