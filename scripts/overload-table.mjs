// Says each case as it ends, and at the end what all of them measured, a paragraph each.
export default async function* report(source) {
  const lines = []
  let failed = 0
  for await (const { type, data } of source) {
    if (type === 'test:diagnostic' && data.file !== undefined) lines.push(data.message)
    if (type !== 'test:pass' && type !== 'test:fail') continue
    if (data.details?.type === 'suite' || /\.test\.ts$/.test(data.name)) continue
    const seconds = (data.details.duration_ms / 1000).toFixed(0)
    if (data.skip) yield `skipped ${data.name} (${data.skip})\n`
    else yield `${type === 'test:pass' ? 'ok     ' : 'FAILED '} ${data.name} (${seconds} s)\n`
    if (type === 'test:fail') {
      failed++
      const cause = data.details.error?.cause ?? data.details.error
      yield `        ${String(cause?.message ?? cause).replaceAll('\n', '\n        ')}\n`
    }
  }
  yield '\n'
  for (const line of lines) {
    const [what, ...measured] = line.split(' | ')
    yield `${what}\n${measured.map((one) => `    ${one}\n`).join('')}`
  }
  yield failed === 0 ? 'all cases passed\n' : `${failed} cases failed\n`
}
