import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMarket, eventually, type Market, type Person } from '../../world/index.js'
import { leakedWhile, prepareNoise } from '../captured.js'
import {
  asConsumer,
  beginDownload,
  bootConsumer,
  connectIn,
  goesThrough,
  heldBy,
  journalledIn,
  seenFrom,
} from '../consumerMachine.js'
import type { Machine } from '../machine.js'
import { feed, scarce, starve } from '../scarce.js'
import { tellWhenFailed } from '../tellWhenFailed.js'

// A connected machine runs short of something while something in it tries to get out all the time.

let market: Market
let provider: Person
let machine: Machine

beforeAll(async () => {
  market = await createMarket()
  const booted = await bootConsumer(market)
  machine = booted.machine
  provider = booted.provider
  await prepareNoise(machine, market.internet.host)
  await machine.run('systemctl --quiet enable --now machine-noise')
})
tellWhenFailed(() =>
  machine.run(
    'df /; journalctl -b -u pontage -o cat | grep -v progress | tail -n 40; nft list tables',
    120_000,
  ),
)
afterAll(async () => {
  await machine?.destroy()
  await market?.destroy()
})

/** Strikes while it is connected and downloads: its unit ends, and nothing leaks. */
async function endsShut(strikes: string): Promise<void> {
  await connectIn(machine)
  const leaked = await leakedWhile(machine, provider.host, async () => {
    await goesThrough(market, machine, provider)
    await machine.run(strikes, 120_000)
    const download = beginDownload(market, machine)
    const isOver = async () => (await machine.attempt('systemctl is-active --quiet pontage')).code !== 0
    await eventually('the unit has ended', isOver, 120_000)
    await download
    expect(await seenFrom(market, machine)).toBe('')
  })
  expect(leaked).toEqual([])
  console.log(await machine.run('journalctl -b -u pontage -o cat | grep -v \'"event":"\' | tail -n 3'))
}

/** It opens the network where that is asked for, knows all that it signed, and connects again. */
async function recovers(ends: () => Promise<unknown>, left = ''): Promise<void> {
  const said = await machine.attempt(`${asConsumer} pontage disconnect`, 120_000)
  expect(said).toMatchObject({ code: left === '' ? 0 : 1, stderr: expect.stringContaining(left) })
  expect(await seenFrom(market, machine)).toBe(machine.host.address)
  await ends()
  expect(await journalledIn(machine)).toBeGreaterThanOrEqual(await heldBy(provider))
  await connectIn(machine)
  await goesThrough(market, machine, provider)
  await machine.run('systemctl stop pontage', 180_000)
  expect(await seenFrom(market, machine)).toBe(machine.host.address)
}

test.each(Object.entries(scarce))(
  '%s shuts it, and locks nobody out',
  async (_, { strikes, ends, isLasting }) => {
    await endsShut(strikes)
    await recovers(() => ends(machine), isLasting ? 'The network is open; left are: the record of it' : '')
  },
)

test('too little memory shuts it, and locks nobody out', async () => {
  await endsShut(starve('pontage'))
  await recovers(() => machine.run(feed('pontage')))
})
