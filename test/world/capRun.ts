import { type DeliveryMeter, measureDelivery } from './delivered.js'
import { logged } from './logLines.js'
import type { Market } from './market.js'
import type { Person } from './people.js'

/** What a cap let through, in bytes, by the one who sent it and by the one who set it. */
export interface CapRun {
  readonly cap: number
  /** Counted at the internet host. */
  readonly delivered: number
  /** Counted by the consumer's kernel. */
  readonly counted: number
}

/** The same numbers each time: an ordinary linear congruential generator, from 0 up to 1. */
export function* sequence(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    yield state / 2 ** 31
  }
}

/**
 * Connects with a cap, downloads more than that as fast as it goes, and counts what came through.
 *
 * @param exit - Address from which the provider's consumers are seen.
 * @param flags - More of them for `connect`.
 */
export async function runIntoCap(
  market: Market,
  consumer: Person,
  exit: string,
  cap: number,
  ...flags: readonly string[]
): Promise<CapRun> {
  const { internet } = market
  const program = consumer.start(['connect', '--json', '--cap', `${cap}B`, ...flags])
  await logged(program, 'connected', {}, 90_000)
  const meter = await measureDelivery(internet)
  // Connections of earlier runs hang at the server until it gives them up.
  const before = await meter.read(exit)
  const download = consumer.host.start(['curl', '-s', '-o', '/dev/null', internet.fileUrl(10 * cap)])
  const ended = await logged(program, 'ended', {}, 90_000)
  await program.ended
  const after = await settled(meter, exit)
  const delivered = after.downBytes - before.downBytes + after.upBytes - before.upBytes
  await download.stop('SIGKILL')
  meter.stop()
  await consumer.run('disconnect')
  if (ended.reason !== 'cap') throw new Error(`The session ended by "${ended.reason}", not by its cap.`)
  return { cap, delivered, counted: Number(ended.downBytes) + Number(ended.upBytes) }
}

/** What was sent before the cap may still be on its way: reads until nothing more comes. */
async function settled(meter: DeliveryMeter, exit: string) {
  for (let last = await meter.read(exit); ; ) {
    await new Promise((resolve) => setTimeout(resolve, 200))
    const now = await meter.read(exit)
    if (now.downBytes === last.downBytes && now.upBytes === last.upBytes) return now
    last = now
  }
}
