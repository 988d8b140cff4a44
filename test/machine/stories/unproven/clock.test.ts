import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMarket, eventually, type Market, type Person } from '../../../world/index.js'
import { leakedWhile, prepareNoise } from '../../captured.js'
import {
  beginDownload,
  bootConsumer,
  connectIn,
  goesThrough,
  heldBy,
  seenFrom,
} from '../../consumerMachine.js'
import { unitLogged } from '../../furnish.js'
import type { Machine } from '../../machine.js'
import { tellWhenFailed } from '../../tellWhenFailed.js'

// The clock of a connected machine is set wrong, both ways, and right again, while something in it tries to get out all the time.

let market: Market
let provider: Person
let machine: Machine

beforeAll(async () => {
  market = await createMarket()
  const booted = await bootConsumer(market)
  machine = booted.machine
  provider = booted.provider
  await prepareNoise(machine, market.internet.host)
  await connectIn(machine)
  await machine.run('systemctl start machine-noise')
})
tellWhenFailed(() =>
  machine.run('date; journalctl -b -u pontage -o cat | grep -v progress | tail -n 40; wg show', 120_000),
)
afterAll(async () => {
  await machine?.destroy()
  await market?.destroy()
})

const set = (clock: string) => machine.run(`date --set '${clock}'`)

/** Waits until the tunnel has other keys than at first, whichever tunnel that is by then. */
const renewsKeys = () =>
  machine.run(
    `shaken() { wg show all latest-handshakes; }
    first=$(shaken); until [ "$(shaken)" != "$first" ] && [ -n "$(shaken)" ]; do sleep 1; done`,
    480_000,
  )

/** Through whatever happens, it is seen as its provider afterwards, goes on paying, and nothing leaks. */
async function holdsWhile(happens: () => Promise<unknown>): Promise<void> {
  const leaked = await leakedWhile(machine, provider.host, async () => {
    await happens()
    await goesThrough(market, machine, provider)
    const held = await heldBy(provider)
    const download = beginDownload(market, machine)
    await eventually('it goes on paying', async () => (await heldBy(provider)) > held, 120_000)
    await download
  })
  expect(leaked).toEqual([])
}

test('it goes on while its clock is an hour ahead, and when that is set right again', {
  timeout: 1_800_000,
}, async () => {
  await holdsWhile(async () => {
    await set('+1 hour')
    // WireGuard takes no greeting that seems older than the last one.
    await renewsKeys()
  })
  await holdsWhile(async () => {
    await set('-1 hour')
    await renewsKeys()
  })
})

test('with a clock that is wrong it begins no session and stays shut, and begins one once that is set right', async () => {
  await holdsWhile(async () => {
    await set('-4 hours')
    const { sessions } = await provider.json<{ sessions: { session: string }[] }>('sessions')
    await provider.run('kick', sessions[0]?.session ?? '')
    console.log(await unitLogged(machine, 'pontage', '"event":"refused"'))
    expect(await seenFrom(market, machine)).toBe('')
    await set('+4 hours')
  })
})
