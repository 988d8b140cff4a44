import { readFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'

// Loaded into a program before it starts (NODE_OPTIONS=--import=…): its wall clock is ahead by as many milliseconds as a file
// says first, at any moment, and so many as it says then passed since the machine started, as if it had slept. Time that programs
// measure is no other.

const file = process.env.PONTAGE_AHEAD_FILE ?? ''
const ahead = (): number[] => readFileSync(file, 'utf8').split(' ').map(Number)
const RightDate = Date
const now = (): number => RightDate.now() + (ahead()[0] ?? 0)

globalThis.Date = class extends RightDate {
  constructor(...given: unknown[]) {
    super(...((given.length === 0 ? [now()] : given) as [number]))
  }

  static override now = now
} as DateConstructor

const { uptime } = os
os.uptime = () => uptime() + (ahead()[1] ?? 0) / 1_000
syncBuiltinESMExports()
