import { assert } from '../base/index.ts'

/**
 * A name is a list of levels, and a level is a *binary string*: one char for each byte (as latin1 decodes it), so any
 * bytes are a name, and a level is a Map key. ASCII names look like themselves.
 */
export type Levels = readonly string[]

export const levelOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
export const levelOfUtf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
export const levelBytes = (level: string): Buffer => Buffer.from(level, 'latin1')
export const levelUtf8 = (level: string): string => Buffer.from(level, 'latin1').toString('utf8')

/** Levels as one Map key; unambiguous, because the lengths are part of it. */
export const levelsKey = (levels: Levels): string => {
  let key = ''
  for (const level of levels) key += `${level.length}:${level}`
  return key
}

export interface NameCodec {
  /** Wire name (a binary string) to levels: total, injective. */
  decode(name: string): Levels
  /** Levels to wire name: `encode(decode(w))` is `w` for every w. */
  encode(levels: Levels): string
}

export interface NameCodecOptions {
  separator: string
  /** May this char stand in a level unescaped? Of the separator it is never asked. */
  allowed(char: string): boolean
  /**
   * `%` gives `%HH`, `_x` gives `_xHH`; HH are two upper-case hex digits of the byte. No closing mark: if the escape
   * character itself closed an escape, two of them could overlap and names would no longer be told apart.
   */
  escape: string
}

/**
 * Makes the codec of one protocol's alphabet (model 3.8). Only canonical escapes are decoded: those of bytes that
 * cannot stand for themselves; so `%41` and `%2f` stay as they are. The escape character itself is escaped only where
 * what follows would make it look like a canonical escape; then it stands as its own escape before that text.
 */
export function nameCodec(options: NameCodecOptions): NameCodec {
  const { separator, escape } = options
  const self = escape[0]!
  assert(separator.length === 1, 'the separator is one char')
  const hex = (char: string): string => char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')
  const unit = (char: string): string => escape.slice(1) + hex(char)
  const selfUnit = unit(self)
  const unitBytes = selfUnit.length
  const escaped = (char: string): boolean => char !== self && (char === separator || !options.allowed(char))
  /** The byte whose canonical escape, less the escape character, starts at `at`; or undefined. */
  const unitAt = (text: string, at: number): string | undefined => {
    const code = text.slice(at + escape.length - 1, at + escape.length + 1)
    if (!/^[0-9A-F]{2}$/.test(code)) return undefined
    const char = String.fromCharCode(parseInt(code, 16))
    return escaped(char) && text.startsWith(unit(char), at) ? char : undefined
  }
  /** Does `text` at `at` read (self unit)* then a canonical unit? Then a `self` before it must be escaped. */
  const ambiguous = (text: string, at: number): boolean => {
    let position = at
    while (text.startsWith(selfUnit, position)) position += unitBytes
    return unitAt(text, position) !== undefined
  }
  /** By byte: it stands for itself, whatever is around it. Most names have nothing else, and become no new string. */
  const plain = Uint8Array.from({ length: 256 }, (_, byte) => {
    const char = String.fromCharCode(byte)
    return char === self || escaped(char) ? 0 : 1
  })
  const isPlain = (level: string): boolean => {
    for (let i = 0; i < level.length; i++) if (plain[level.charCodeAt(i)] !== 1) return false
    return true
  }
  const encodeLevel = (level: string): string => {
    if (isPlain(level)) return level
    let out = ''
    for (let i = 0; i < level.length; i++) {
      const char = level[i]!
      if (char === self ? ambiguous(level, i + 1) : escaped(char)) out += self + unit(char)
      else out += char
    }
    return out
  }
  const decodeLevel = (text: string): string => {
    if (!text.includes(self)) return text
    let out = ''
    for (let i = 0; i < text.length; i++) {
      const char = text[i]!
      const other = char === self ? unitAt(text, i + 1) : undefined
      if (other !== undefined) out += other
      else out += char
      if (other !== undefined) i += unitBytes
      else if (char === self && text.startsWith(selfUnit, i + 1) && ambiguous(text, i + 1 + unitBytes)) i += unitBytes
    }
    return out
  }
  return {
    decode: (name) => name.split(separator).map(decodeLevel),
    encode: (levels) => levels.map(encodeLevel).join(separator),
  }
}

/** How names are shown and typed where no protocol has a say: `.` separates, `%HH` escapes. */
export const plainNames = nameCodec({
  separator: '.',
  allowed: (char) => char > ' ' && char !== '\x7f',
  escape: '%',
})
