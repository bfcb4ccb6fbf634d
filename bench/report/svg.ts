/** Just enough of SVG for two charts, without a library. Colours hold on a light and on a dark page. */
export const colours: Record<string, string> = {
  dragoman: '#0f8a5f',
  kafka: '#4a6fa5',
  rabbitmq: '#d9722e',
  mosquitto: '#8a5fb0',
}

export const colourOf = (side: string): string => colours[side.split('/')[0]!] ?? '#777777'

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

type Attributes = Record<string, string | number>

export function element(name: string, attributes: Attributes, inside = ''): string {
  const said = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(String(value))}"`)
  return inside === '' ? `<${name}${said.join('')}/>` : `<${name}${said.join('')}>${inside}</${name}>`
}

export const text = (x: number, y: number, words: string, more: Attributes = {}): string =>
  element('text', { x: at(x), y: at(y), ...more }, escaped(words))

export const line = (x1: number, y1: number, x2: number, y2: number, more: Attributes = {}): string =>
  element('line', { x1: at(x1), y1: at(y1), x2: at(x2), y2: at(y2), ...more })

/** Coordinates to a tenth of a pixel: smaller files, the same picture. */
export const at = (value: number): number => Math.round(value * 10) / 10

export function page(width: number, height: number, parts: readonly string[]): string {
  const style = 'text{font:12px sans-serif;fill:#222}.dim{fill:#666}.title{font-weight:bold;font-size:14px}'
  const frame = { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${width} ${height}`, width, height }
  const ground = element('rect', { width, height, fill: '#ffffff' })
  return element('svg', frame, `<style>${style}</style>\n${[ground, ...parts].join('\n')}\n`) + '\n'
}

/** A place for each decade and all between, from `from` to `to`. */
export function logScale(low: number, high: number, from: number, to: number): (value: number) => number {
  const span = Math.log(high) - Math.log(low)
  return (value) => from + ((Math.log(Math.min(high, Math.max(low, value))) - Math.log(low)) / span) * (to - from)
}
