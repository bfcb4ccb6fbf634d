/** The floors of the house: a room may import from the floors below it and from itself. */
export interface Room {
  name: string
  floor: number
}

const floors: [prefix: string, floor: number][] = [
  ['src/base/', 0],
  ['src/world/node/', 1.5],
  ['src/world/', 1],
  ['src/log/', 2],
  ['src/core/', 3],
  ['src/server/', 4],
  ['src/protocols/', 5],
  ['src/admin/', 5],
  ['src/cli/', 6],
]

/** The one room that may know every other: the command line and the files that put the broker together. */
export const top: Room = { name: 'src/cli', floor: 6 }

export function roomOf(file: string): Room | undefined {
  for (const [prefix, floor] of floors) {
    if (!file.startsWith(prefix)) continue
    if (prefix !== 'src/protocols/') return { name: prefix.slice(0, -1), floor }
    const folder = file.split('/')[2] ?? ''
    return { name: `src/protocols/${folder}`, floor }
  }
  return /^src\/[^/]+\.ts$/.test(file) ? top : undefined
}

/** The file by which the others enter a room. */
export function doorOf(room: Room): string {
  return `${room.name}/index.ts`
}
