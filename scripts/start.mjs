// npm start -- FLAGS: sets up what is missing and runs `dragoman serve FLAGS`.
import path from 'node:path'
import { become, build, install, node24, root } from './prepare.mjs'

install()
const node = node24()
build(node)
become(node, [path.join(root, 'dist/bin.js'), 'serve', ...process.argv.slice(2)])
