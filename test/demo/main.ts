import { parseArgs } from 'node:util'
import { runStory } from './story.js'
import { createTelling } from './telling.js'

// The whole system once through. It runs as the first process of a world of its own (scripts/world): whatever ends
// this process ends everything that it started.

const { json } = readArguments()
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const)
  process.once(signal, () => {
    process.stderr.write(`\nStopped by ${signal}. Everything the demo started goes with it.\n`)
    process.exit(128 + number)
  })

const tell = createTelling(json ? process.stderr : process.stdout)
try {
  const figures = await runStory(tell)
  if (json) process.stdout.write(`${JSON.stringify(figures)}\n`)
  tell.chapter(figures.ok ? 'All of it held.' : 'Not all of it held: see above.')
  process.exitCode = figures.ok ? 0 : 1
} catch (error) {
  process.stderr.write(`\nThe demo could not go on: ${(error as Error).stack}\n`)
  process.exitCode = 1
}
// Programs that still run would keep this process; they go with it.
process.exit()

function readArguments(): { json: boolean } {
  try {
    return {
      json: parseArgs({ options: { json: { type: 'boolean', default: false } } }).values.json ?? false,
    }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}. The demo takes --json and nothing else.\n`)
    process.exit(2)
  }
}
