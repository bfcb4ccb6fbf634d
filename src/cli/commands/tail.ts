import type { MessageAnswer } from '../../admin/index.ts'
import { writeOutput } from '../../world/node/index.ts'
import { callApi, readAnswer } from '../api.ts'
import { UserError, type Input } from '../command.ts'

/** One line of the live answer: a message, or a word about the tail itself. */
type Line = MessageAnswer | { tailing: true } | { missed: number } | { error: string; detail: string }

/** Prints messages as they are published, until `--count` or Ctrl-C. */
export async function tail(input: Input): Promise<number> {
  const [pattern = '#'] = input.positionals
  const count = countOf(input.one('count'))
  const asJson = input.has('json')
  let seen = 0
  let rest = ''
  await new Promise<void>((resolve, reject) => {
    const take = (text: string): void => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (seen >= count) return
        const parsed = readAnswer(line) as Line
        if ('error' in parsed) return reject(new UserError(parsed.detail))
        if ('tailing' in parsed) continue
        writeOutput(asJson ? line : textOf(parsed))
        if (!('missed' in parsed) && ++seen === count) resolve()
      }
    }
    const failed = (error: Error): void => reject(error)
    const onText = (text: string): void => {
      try {
        take(text)
      } catch (error) {
        failed(error as Error)
      }
    }
    callApi(input, 'GET', `/api/tail?${new URLSearchParams({ pattern }).toString()}`, { onText }).then(
      () => reject(new UserError('the broker ended the tail')),
      reject,
    )
  })
  // The live answer is still open; there is nothing more to wait for.
  process.exit(0)
}

function countOf(text: string | undefined): number {
  if (text === undefined) return Infinity
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1) throw new UserError(`--count ${text}: must be a whole number above 0`, 2)
  return count
}

function textOf(line: MessageAnswer | { missed: number } | { tailing: true }): string {
  if ('missed' in line) return `(missed ${line.missed}: slower than what is published)`
  if ('tailing' in line) return ''
  const { time, address, key, value, bytes, headers } = line
  const about = [key === null ? '' : ` key=${key}`, ...headers.map((header) => ` ${header.name}=${header.value}`)].join(
    '',
  )
  const rest = bytes === undefined ? '' : ` ... (${bytes} bytes in all)`
  return `${new Date(time).toISOString()} ${address ?? '(by name)'}${about}  ${value}${rest}`
}
