// npm run sim -- FLAGS and its kin: sets up what is missing and runs the named program of this project on Node 24.
import path from 'node:path'
import { become, install, node24, root } from './prepare.mjs'

install()
const node = node24()
const [file, ...flags] = process.argv.slice(2)
become(node, [path.join(root, file), ...flags])
