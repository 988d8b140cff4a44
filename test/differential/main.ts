import { parseArgs } from 'node:util'
import { compare } from './comparison.js'

/** `--runs N --seed S --steps M`: prints one JSON object and fails when the two sides ever differ. */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    steps: { type: 'string', default: '100' },
  },
})

function natural(flag: 'runs' | 'seed' | 'steps'): number {
  const value = Number(values[flag])
  if (Number.isSafeInteger(value) && value >= (flag === 'seed' ? 0 : 1)) return value
  console.error(`--${flag} ${values[flag]} is not a whole number. Give one, such as --${flag} 20.`)
  process.exit(2)
}

const seed = natural('seed')
const outcome = await compare(natural('runs'), seed, natural('steps'))
console.log(JSON.stringify({ seed, ...outcome }))
if (outcome.differences.length > 0) process.exitCode = 1
