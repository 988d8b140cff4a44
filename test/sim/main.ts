import { beginCoverage } from './coverage.js'
import { takeOverModules } from './stage/doors.js'
import { takeOverGlobals } from './stage/globals.js'
import { beginTimeline } from './stage/timeline.js'

// Before any program is loaded: what it finds is the simulation's.
const write = process.stdout.write.bind(process.stdout)
beginTimeline('loading')
takeOverModules()
takeOverGlobals()
if (process.argv.includes('--coverage')) await beginCoverage()
const { run } = await import('./run.js')
process.exitCode = await run(process.argv.slice(2), (line) => write(`${line}\n`))
