import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMarket, type Market } from '../../world/index.js'
import { type Machine, makeMachine } from '../machine.js'

let market: Market
let machine: Machine

beforeAll(async () => {
  market = await createMarket()
  machine = await makeMachine(market, await market.world.addHost('machine'))
  await machine.powerOn()
})

afterAll(async () => {
  await machine?.destroy()
  await market?.destroy()
})

test('a machine boots, reaches the internet, and its kernel makes WireGuard interfaces', async () => {
  console.log(await machine.run('uname -sr; systemctl --version | head -n 1; nft --version; systemd-analyze'))
  expect(await machine.run(`curl -sS --max-time 20 ${market.internet.addressUrl}`)).toBe(machine.host.address)
  await machine.run('ip link add dev probe type wireguard && ip link delete dev probe')
  expect(await machine.sent('tcp dst port 80')).not.toHaveLength(0)
})

test('without power it is gone at once, and boots again', async () => {
  await machine.run('echo kept >/root/kept; sync')
  await machine.cut()
  await machine.powerOn()
  expect(await machine.run('cat /root/kept')).toBe('kept')
})
