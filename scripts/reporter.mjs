// A plain summary: failures in full, skips by name with their reason, figures that tests report, and totals. Passing
// tests are only counted.
import { relative } from 'node:path'

export default async function* report(source) {
  const count = { passed: 0, failed: 0, skipped: 0 }
  const failures = []
  const figures = []
  for await (const { type, data } of source) {
    // The runner adds diagnostics of its own, about no file.
    if (type === 'test:diagnostic' && data.file !== undefined) figures.push(data.message)
    if (type !== 'test:pass' && type !== 'test:fail') continue
    if (data.details?.type === 'suite') continue
    // A test that failed only because of those within it: they are reported themselves.
    if (data.details?.error?.failureType === 'subtestsFailed') continue
    if (data.skip !== undefined && data.skip !== false) {
      count.skipped++
      yield `  skipped: ${data.name} (${typeof data.skip === 'string' && data.skip !== '' ? data.skip : 'no reason given'})\n`
    } else if (type === 'test:pass') {
      count.passed++
    } else {
      count.failed++
      failures.push(data)
      yield `  FAILED: ${place(data)} ${data.name}\n${indent(reason(data.details?.error))}\n`
    }
  }
  for (const figure of figures) yield `  ${figure}\n`
  if (failures.length > 1)
    yield `  failed again in short:\n${failures.map((data) => `    ${place(data)} ${data.name}\n`).join('')}`
  yield `  ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`
}

function place(data) {
  return data.file === undefined ? '' : `${relative(process.cwd(), data.file)}:${data.line ?? 1}`
}

function reason(error) {
  if (error === undefined) return ''
  const cause = error.cause ?? error
  return typeof cause === 'string' ? cause : (cause.stack ?? cause.message ?? String(cause))
}

function indent(text) {
  return text.replaceAll(/^/gm, '    ')
}
