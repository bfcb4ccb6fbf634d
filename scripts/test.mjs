// npm test [-- STEP...]: sets up what is missing and runs the steps of scripts/steps.mjs on Node 24.
import path from 'node:path'
import { become, install, node24, root } from './prepare.mjs'

install()
const node = node24()
become(node, [path.join(root, 'scripts/steps.mjs'), ...process.argv.slice(2)])
