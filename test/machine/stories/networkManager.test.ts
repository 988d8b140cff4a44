import { runCommand } from '@pontage/shared/node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMarket, eventually, type Market, type Person } from '../../world/index.js'
import { leakedWhile, prepareNoise } from '../captured.js'
import { bootConsumer, connectIn, goesThrough, seenFrom } from '../consumerMachine.js'
import type { Machine } from '../machine.js'
import { openNameServer } from '../names.js'
import { tellWhenFailed } from '../tellWhenFailed.js'
import { Watched } from '../watched.js'

// NetworkManager takes a connected machine from one network to another, while something in it tries to get out all the time.
// What leaves it is captured outside.

/** The machine's address in the other network. */
const elsewhere = '198.51.100.200'

let market: Market
let provider: Person
let machine: Machine
let watched: Watched

beforeAll(async () => {
  market = await createMarket()
  const names = await openNameServer(market, market.internet.host)
  const booted = await bootConsumer(market)
  machine = booted.machine
  provider = booted.provider
  watched = new Watched(market, machine, provider, names)
  await runCommand(['ip', 'route', 'add', `${elsewhere}/32`, 'dev', `to-${machine.host.name}`])
  await prepareNoise(machine, market.internet.host)
  const { address, address6 } = machine.host
  const profile = (name: string, address4: string, priority: number) => `
    cat >/etc/NetworkManager/system-connections/${name}.nmconnection <<END
[connection]
id=${name}
type=ethernet
interface-name=eth0
autoconnect-priority=${priority}
[ipv4]
method=manual
address1=${address4}/32
gateway=192.0.2.1
dns=${market.internet.host.address}
[ipv6]
method=manual
address1=${address6}/128
gateway=fe80::1
END
    chmod 600 /etc/NetworkManager/system-connections/${name}.nmconnection`
  await machine.run(
    `systemctl --quiet unmask NetworkManager NetworkManager-dispatcher
    systemctl --quiet mask --now systemd-networkd.socket systemd-networkd
    ip address flush dev eth0
    mkdir -p /etc/NetworkManager/system-connections
    ${profile('home', address, 2)}
    ${profile('elsewhere', elsewhere, 1)}
    systemctl enable --quiet --now NetworkManager
    timeout 60 sh -c 'until nmcli -g GENERAL.STATE device show eth0 | grep -q "^100 "; do sleep 1; done'`,
    120_000,
  )
})
tellWhenFailed(() =>
  machine.run(
    'journalctl -b -u pontage -o cat | grep -v progress | tail -n 30; nmcli; resolvectl; ip rule; ip route; ip address',
    120_000,
  ),
)
afterAll(async () => {
  await machine?.destroy()
  await market?.destroy()
})

const changes = [
  'nmcli --wait 60 connection up elsewhere',
  'nmcli --wait 60 connection up home',
  'nmcli connection reload; nmcli device reapply eth0',
  'systemctl restart NetworkManager',
  'nmcli --wait 60 device disconnect eth0; nmcli --wait 60 connection up elsewhere',
  'nmcli networking off; nmcli networking on',
] as const

test('it goes on from one network to another', async () => {
  const heard = await leakedWhile(machine, provider.host, async () => {
    await machine.run(changes[0], 90_000)
    expect(await seenFrom(market, machine)).toBe(elsewhere)
    await machine.run(changes[1], 90_000)
    expect(await seenFrom(market, machine)).toBe(machine.host.address)
  })
  console.log(`control: ${heard.length} packets`)
  expect(heard.length).toBeGreaterThan(5)
  console.log(await connectIn(machine))
  await machine.run('systemctl start machine-noise')
  await goesThrough(market, machine, provider)
  await watched.holdsWhile(...changes)
  const log = await machine.run('journalctl -b -u pontage -o cat')
  const parts = [...log.matchAll(/"event":"interfered".*?"part":"(\w+)"/g)].map(([, part]) => part)
  console.log(
    `put back: ${[...new Set(parts)].join(', ') || 'nothing'}; ${log.split('failed-over').length - 1} sessions lost`,
  )
})

test('shut, it stays shut from one network to another, and disconnected it is as before', async () => {
  await machine.run('systemctl stop pontage; echo PONTAGE_CONSUMER_CAP=2MB >>/etc/default/pontage', 180_000)
  await connectIn(machine)
  await machine.attempt(`curl -sS --max-time 30 -o /dev/null ${market.internet.fileUrl(5_000_000)}`)
  await eventually(
    'its cap is used up',
    async () => (await machine.attempt('systemctl is-active pontage')).stdout.trim() !== 'active',
  )
  const leaked = await leakedWhile(machine, provider.host, async () => {
    for (const change of changes) {
      await machine.run(change, 120_000)
      expect(await seenFrom(market, machine)).toBe('')
    }
  })
  expect(leaked).toEqual([])
  await machine.run('systemctl stop machine-noise; pontage --home /var/lib/pontage unlock', 120_000)
  await machine.run(changes[1], 90_000)
  expect(await seenFrom(market, machine)).toBe(machine.host.address)
  expect((await watched.seenByName()).askedBy).toEqual([machine.host.address])
})
