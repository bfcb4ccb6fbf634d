import path from 'node:path'
import ts from 'typescript'
import { doorOf, roomOf, top } from './rooms.ts'

/** File path (relative to the project, with slashes) to its text. */
export type Tree = ReadonlyMap<string, string>

export interface Violation {
  file: string
  rule: string
  why: string
}

export const isTest = (file: string): boolean => file.endsWith('.test.ts') || /\/(testing|fixtures)\//.test(file)

/** All modules a file names: static, re-exported, dynamic, and type-only imports alike. */
export function importsOf(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map((found) => found.fileName)
}

export function resolveImport(from: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? path.posix.join(path.posix.dirname(from), specifier) : undefined
}

/** Imports point only down, siblings never meet, rooms are entered by their door. */
export function checkFloors(tree: Tree): Violation[] {
  const found: Violation[] = []
  for (const [file, text] of tree) {
    const from = roomOf(file)
    if (from === undefined) continue
    for (const specifier of importsOf(text)) {
      const target = resolveImport(file, specifier)
      if (target === undefined) continue
      const to = roomOf(target)
      if (to === undefined) {
        found.push({ file, rule: 'inside src', why: `${specifier}: src must not need anything outside of src` })
        continue
      }
      if (to.name === from.name) continue
      if (isTest(file) && (to.name === 'src/world/node' || target.startsWith('src/world/sim/'))) continue
      const why = forbidden(from, to, target)
      if (why !== undefined) found.push({ file, rule: 'floors', why: `${specifier}: ${why}` })
    }
  }
  return found
}

type Room = NonNullable<ReturnType<typeof roomOf>>

function forbidden(from: Room, to: Room, target: string): string | undefined {
  if (to.floor === from.floor) return `${from.name} and ${to.name} are siblings; they meet only through the floor below`
  if (to.floor > from.floor) return `${from.name} is below ${to.name}; imports (type imports too) point only down`
  if (to.floor === 1.5 && from.name !== top.name) {
    return `only ${top.name} may choose the real world; take the interfaces of src/world as parameters`
  }
  // The real world is a part of the room whose interfaces it implements.
  if (from.name.startsWith(`${to.name}/`)) return undefined
  if (target !== doorOf(to)) return `enter ${to.name} by ${doorOf(to)}, so that its inside can change`
  return undefined
}

/** Cycles of files, type imports counted; each is reported once. */
export function checkCycles(tree: Tree): Violation[] {
  const found: Violation[] = []
  const state = new Map<string, 'open' | 'done'>()
  const trail: string[] = []
  const visit = (file: string): void => {
    if (state.get(file) === 'done') return
    if (state.get(file) === 'open') {
      const cycle = [...trail.slice(trail.indexOf(file)), file]
      found.push({ file, rule: 'no cycle', why: `${cycle.join(' -> ')}: none of them can be read or tested alone` })
      return
    }
    state.set(file, 'open')
    trail.push(file)
    for (const specifier of importsOf(tree.get(file) ?? '')) {
      const target = resolveImport(file, specifier)
      if (target !== undefined && tree.has(target)) visit(target)
    }
    trail.pop()
    state.set(file, 'done')
  }
  for (const file of tree.keys()) visit(file)
  return found
}
