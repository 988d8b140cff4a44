import { run } from './binary.mjs'

process.exitCode = run('forge', process.argv.slice(2))
