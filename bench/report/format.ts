import type { Field } from '../workloads/index.ts'

const units: Record<Field, string> = {
  messages: '',
  perSecond: '/s',
  p50Ms: ' ms p50',
  p99Ms: ' ms p99',
  cpuSecondsPerMillion: ' CPU s/M',
  rssPeakMb: ' MB',
  writtenMb: ' MB',
  ms: ' ms',
  mb: ' MB',
  kb: ' KB',
  share: ' x',
}

/** Three digits, thousands with commas. */
export function short(value: number): string {
  const digits = Number(value.toPrecision(3))
  return digits >= 1000 ? digits.toLocaleString('en-US') : String(digits)
}

export const withUnit = (value: number, field: Field): string => `${short(value)}${units[field]}`
export const unitOf = (field: Field): string => units[field].trim()
