import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createMarket, eventually, type Market, type Person } from '../../world/index.js'
import { leakedWhile, prepareNoise } from '../captured.js'
import { bootConsumer, connectIn, seenFrom } from '../consumerMachine.js'
import type { Machine } from '../machine.js'
import { openNameServer } from '../names.js'
import { tellWhenFailed } from '../tellWhenFailed.js'
import { Watched } from '../watched.js'

// A connected machine whose other programs set up its network, its names and its firewall anew, while something in it tries to
// get out all the time. What leaves it is captured outside.

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
  await prepareNoise(machine, market.internet.host)
  await machine.run('systemctl unmask ufw firewalld')
})
tellWhenFailed(() =>
  machine.run(
    'journalctl -b -u pontage -o cat | grep -v progress | tail -n 30; date; resolvectl; ip rule; nft list tables',
    120_000,
  ),
)
afterAll(async () => {
  await machine?.destroy()
  await market?.destroy()
})

/** Rules, routes, our tables and what asks for names, as the machine has them. */
const state = (): Promise<string> =>
  machine.run(`
    for family in -4 -6; do ip $family rule; ip $family route show table all | sort; done
    nft list tables | grep pontage | sort
    ls -l /etc/resolv.conf
    resolvectl dns; resolvectl domain; resolvectl default-route; resolvectl dnsovertls`)

const withoutFirewalls = async () => {
  await machine.attempt('systemctl stop firewalld; ufw --force disable', 120_000)
}

/** What it has done about others' doings, each part once, and whether the session is still the first. */
async function told(): Promise<void> {
  const log = await machine.run('journalctl -b -u pontage -o cat --since "$(cat /run/connected)"')
  const parts = [...log.matchAll(/"event":"interfered".*?"part":"(\w+)"/g)].map(([, part]) => part)
  console.log(`put back: ${[...new Set(parts)].join(', ') || 'nothing'}`)
  expect(log).not.toContain('"event":"failed-over"')
}

describe('connected', () => {
  let before: string
  let connected: string

  beforeAll(async () => {
    before = await state()
    // The control: without a tunnel the same captures show it.
    const heard = await leakedWhile(machine, provider.host, async () => {
      await machine.run('systemctl start machine-noise')
      expect(await watched.seenByName()).toEqual({
        seen: machine.host.address,
        askedBy: [machine.host.address],
      })
      await eventually('it is heard outside', async () => (await machine.sent('port 443')).length > 5)
    })
    console.log(`control: ${heard.length} packets`)
    expect(heard.length).toBeGreaterThan(5)
    await machine.run('date "+%F %T" >/run/connected')
    console.log(await connectIn(machine))
    connected = await state()
  })
  afterAll(async () => {
    await machine.run('systemctl stop pontage', 180_000)
    await eventually('the machine is as before', async () => (await state()) === before).catch(
      async (cause) => {
        expect(await state()).toBe(before)
        throw cause
      },
    )
    expect(await watched.seenByName()).toEqual({
      seen: machine.host.address,
      askedBy: [machine.host.address],
    })
  })

  /** All of the connection stands as it was put, also when what keeps it so has had a while. */
  const isWhole = async () =>
    eventually('all of it is back', async () => (await state()) === connected, 30_000).catch(async () =>
      expect(await state()).toBe(connected),
    )

  test('it goes on while its manager of networks is reloaded and started anew', async () => {
    await watched.holdsWhile(
      'networkctl reload',
      'networkctl reconfigure eth0',
      'systemctl restart systemd-networkd',
      'systemctl stop systemd-networkd; ip link set eth0 down; ip link set eth0 up; systemctl start systemd-networkd',
    )
    await isWhole()
    await told()
  })

  test('names go through the tunnel whatever becomes of systemd-resolved', async () => {
    const withTls = (word: string) => `mkdir -p /etc/systemd/resolved.conf.d
      printf '[Resolve]\\nDNSOverTLS=${word}\\n' >/etc/systemd/resolved.conf.d/story.conf
      systemctl restart systemd-resolved`
    await watched.holdsWhile(
      'systemctl restart systemd-resolved',
      withTls('yes'),
      withTls('opportunistic'),
      'systemctl kill --signal KILL systemd-resolved; systemctl restart systemd-resolved',
      'resolvectl revert "$(ip -brief link show type wireguard | cut -d " " -f 1)"',
      'systemctl stop systemd-resolved; rm -rf /run/systemd/resolve/netif; systemctl start systemd-resolved',
      'rm /etc/systemd/resolved.conf.d/story.conf; systemctl restart systemd-resolved',
    )
    await isWhole()
    await told()
  })

  test('it goes on beside ufw, whenever that starts, is reloaded, and stops', async () => {
    onTestFinished(() => withoutFirewalls())
    await watched.holdsWhile('ufw --force enable', 'ufw allow 22/tcp; ufw reload', 'ufw --force disable')
    await told()
  })

  test('it goes on beside firewalld, whenever that starts, is reloaded, and stops', async () => {
    onTestFinished(() => withoutFirewalls())
    await watched.holdsWhile(
      'systemctl start firewalld',
      'firewall-cmd --reload',
      'firewall-cmd --complete-reload',
      'firewall-cmd --set-default-zone=drop',
      'firewall-cmd --set-default-zone=public; systemctl stop firewalld',
    )
    await told()
  })

  test('it goes on beside chains as Docker makes them, and a container goes its way', async () => {
    await watched.holdsWhile(asDocker)
    const fromContainer = () =>
      machine.attempt(`ip netns exec box curl -sS --max-time 20 ${market.internet.addressUrl}`)
    await eventually(
      'a container is seen as the provider',
      async () => (await fromContainer()).stdout.trim() === provider.host.address,
    )
    await watched.holdsWhile(
      'iptables -F DOCKER-USER; iptables -A DOCKER-USER -j RETURN; iptables -P FORWARD DROP',
    )
    await machine.run(withoutDocker)
    await eventually('it is whole again', async () => (await state()).includes('docker0') === false)
    await told()
  })
})

describe('blocked, since its cap is used up', () => {
  beforeAll(async () => {
    await machine.run(`echo PONTAGE_CONSUMER_CAP=2MB >>/etc/default/pontage`)
    await connectIn(machine)
    await machine.attempt(`curl -sS --max-time 30 -o /dev/null ${market.internet.fileUrl(5_000_000)}`)
    await eventually(
      'the unit has ended',
      async () => (await machine.attempt('systemctl is-active pontage')).stdout.trim() !== 'active',
    )
  })

  test('it stays shut whatever its managers of network, names and firewall do', async () => {
    onTestFinished(() => withoutFirewalls())
    const leaked = await leakedWhile(machine, provider.host, async () => {
      for (const script of [
        'networkctl reload; systemctl restart systemd-networkd',
        'systemctl restart systemd-resolved',
        'ufw --force enable; ufw reload',
        'ufw --force disable; systemctl start firewalld',
        'firewall-cmd --reload',
        'firewall-cmd --complete-reload',
        'systemctl stop firewalld',
        asDocker,
      ]) {
        await machine.run(script, 120_000)
        expect(await seenFrom(market, machine)).toBe('')
        expect((await watched.seenByName()).seen).toBe('')
      }
    })
    expect(leaked).toEqual([])
    await machine.run(withoutDocker)
  })
})

/** The chains of Docker Engine on iptables-nft, with one container that is a namespace. */
const asDocker = `
  sysctl -qw net.ipv4.ip_forward=1
  for chain in DOCKER DOCKER-USER DOCKER-ISOLATION-STAGE-1 DOCKER-ISOLATION-STAGE-2; do iptables -N $chain; done
  iptables -A DOCKER-USER -j RETURN
  iptables -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
  iptables -A DOCKER-ISOLATION-STAGE-1 -j RETURN
  iptables -A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
  iptables -A DOCKER-ISOLATION-STAGE-2 -j RETURN
  iptables -P FORWARD DROP
  iptables -A FORWARD -j DOCKER-USER
  iptables -A FORWARD -j DOCKER-ISOLATION-STAGE-1
  iptables -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
  iptables -A FORWARD -o docker0 -j DOCKER
  iptables -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
  iptables -A FORWARD -i docker0 -o docker0 -j ACCEPT
  iptables -t nat -N DOCKER
  iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
  iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
  iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
  iptables -t nat -A DOCKER -i docker0 -j RETURN
  ip link add docker0 type bridge
  ip address add 172.17.0.1/16 dev docker0
  ip netns add box
  ip link add vbox type veth peer name eth0 netns box
  ip link set vbox master docker0 up
  ip link set docker0 up
  ip -n box link set lo up
  ip -n box address add 172.17.0.2/16 dev eth0
  ip -n box link set eth0 up
  ip -n box route add default via 172.17.0.1`

const withoutDocker = `
  ip netns delete box; ip link delete docker0
  iptables -P FORWARD ACCEPT; iptables -F; iptables -X; iptables -t nat -F; iptables -t nat -X
  sysctl -qw net.ipv4.ip_forward=0`
