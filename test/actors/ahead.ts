import { readFileSync } from 'node:fs'

// Loaded into a program before it starts (NODE_OPTIONS=--import=…): its wall clock is ahead by as many milliseconds as a file
// says, at any moment. Time that passes is no other.

const file = process.env.PONTAGE_AHEAD_FILE ?? ''
const RightDate = Date
const now = (): number => RightDate.now() + Number(readFileSync(file, 'utf8'))

globalThis.Date = class extends RightDate {
  constructor(...given: unknown[]) {
    super(...((given.length === 0 ? [now()] : given) as [number]))
  }

  static override now = now
} as DateConstructor
