import { writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { standIns } from './standIns.fixture.js'
import { watchKernel } from './watchKernel.js'

const system = standIns()

it('has looked what a monitor did not hear that had not begun to listen, and what one that ended did not', async () => {
  // What starts the monitors.
  await system.put('setpriv', `while [ ! -e ${system.place('end')} ]; do sleep 0.02; done`)
  const told: string[] = []
  const watch = watchKernel({}, (change) => told.push(change))
  try {
    await expect.poll(() => told.length, { timeout: 4_000 }).toBeGreaterThan(0)
    // All of them have begun by then, and what each has told is together in one look.
    await delay(600)
    told.length = 0
    await writeFile(system.place('end'), '')
    await expect.poll(() => told.length, { timeout: 4_000 }).toBeGreaterThan(0)
    expect(told[0]).toBe('rules')
  } finally {
    watch.close()
  }
}, 15_000)
