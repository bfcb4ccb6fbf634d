import { importsOf, isTest, type Tree, type Violation } from './imports.ts'

const outside =
  'the outside belongs to src/world/node; take the interface of src/world as a parameter, so that the simulator can give its own'

interface Ban {
  pattern: RegExp
  why: string
  /** Files where it is allowed. */
  except?: RegExp
}

const worldNode = /^src\/world\/node\//

const bans: Ban[] = [
  { pattern: /\bDate\.now\b/, why: `the real clock: ${outside}`, except: worldNode },
  { pattern: /\bnew Date\(\)/, why: `the real clock: ${outside}`, except: worldNode },
  { pattern: /\bperformance\.now\b/, why: `the real clock: ${outside}`, except: worldNode },
  { pattern: /\bprocess\.hrtime\b/, why: `the real clock: ${outside}`, except: worldNode },
  { pattern: /\bset(?:Timeout|Interval|Immediate)\(/, why: `a real timer: ${outside}`, except: worldNode },
  { pattern: /\bprocess\.nextTick\b/, why: `the real event loop: ${outside}`, except: worldNode },
  { pattern: /\bMath\.random\b/, why: `real chance: ${outside}`, except: worldNode },
  { pattern: /\brandom(?:Bytes|UUID|Int|FillSync)\(/, why: `real chance: ${outside}`, except: worldNode },
  { pattern: /\bgetRandomValues\b/, why: `real chance: ${outside}`, except: worldNode },
  {
    pattern: /\bprocess\.(?:exit|on|once|argv|env|std\w+)\b/,
    why: 'only the command line knows that there is a process',
    except: /^src\/(?:world\/node|cli)\//,
  },
  {
    pattern: /\bconsole\.(?:log|error|warn|info|debug|table|trace)\b/,
    why: 'say it through the log of src/server, which has levels and can be JSON',
  },
  { pattern: /\b(?:TODO|FIXME|XXX|HACK)\b/, why: 'do it now, or say in the docs what is missing' },
  {
    pattern: /eslint-disable(?!-next-line [^\n]+ -- \S)/,
    why: 'disable one rule for one line, with a reason after --',
  },
  { pattern: /@ts-(?:ignore|nocheck|expect-error)/, why: 'the types are a promise to the reader' },
]

/** Modules of the runtime that touch nothing outside the process. All others are for src/world/node alone. */
const pureModules = new Set(['module', 'buffer', 'zlib', 'crypto', 'util', 'url', 'path', 'string_decoder', 'events'])

export function checkBans(tree: Tree): Violation[] {
  const found: Violation[] = []
  for (const [file, text] of tree) {
    if (!file.startsWith('src/') || isTest(file)) continue
    for (const { pattern, why, except } of bans) {
      if (except?.test(file)) continue
      const match = pattern.exec(withoutComments(text, pattern))
      if (match) found.push({ file, rule: `ban ${match[0]}`, why })
    }
    for (const specifier of importsOf(text)) {
      if (!specifier.startsWith('node:') || worldNode.test(file)) continue
      if (!pureModules.has(specifier.slice(5))) found.push({ file, rule: `ban ${specifier}`, why: outside })
    }
  }
  return found
}

/** Comments may name what code may not use; but the bans on comments themselves need them. */
function withoutComments(text: string, pattern: RegExp): string {
  if (/TODO|eslint|@ts/.test(pattern.source)) return text
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '')
}
