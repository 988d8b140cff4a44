import { execFileSync } from 'node:child_process'
import { type Firewall, raiseFirewall, readLeftTable } from '@pontage/provider'
import { type NftChange, NftSocket, nftCommand } from '@pontage/shared/node'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'

const nft = (text: string) => run('nft -f -', text)
const list = (table: string) => run(`nft list table inet ${table}`).replace(table, 'TABLE')
const place = (table: string) => ({ family: 'inet', table }) as const
const empty = (table: string) => `table inet ${table}
delete table inet ${table}
table inet ${table} {
  set passing4 { type ipv4_addr; }
  set passing6 { type ipv6_addr; }
  set moved4 { type ipv4_addr; size 1000; flags dynamic, timeout; timeout 60s; }
  map down4 { type ipv4_addr : counter; }
  map credit6 { type ipv6_addr : quota; }
  chain out {
    type filter hook output priority 0; policy accept;
    update @moved4 { ip daddr }
    counter name ip daddr map @down4
  }
}`

const session = (index: number): NftChange[] => [
  { verb: 'add', kind: 'counter', name: `down_${index}` },
  { verb: 'add', kind: 'quota', name: `credit_${index}`, over: BigInt(index) * 1_000n },
  { verb: 'add', kind: 'element', set: 'down4', address: address4(index), object: `down_${index}` },
  { verb: 'add', kind: 'element', set: 'credit6', address: address6(index), object: `credit_${index}` },
  { verb: 'add', kind: 'element', set: 'passing4', address: address4(index) },
  { verb: 'add', kind: 'element', set: 'passing6', address: address6(index) },
]
const address4 = (index: number) => `127.1.${index >> 8}.${index & 255}`
const address6 = (index: number) => `fd50:6f6e:7467::${index.toString(16)}`
const gone = (index: number): NftChange[] =>
  session(index)
    .reverse()
    .map((change) =>
      change.kind === 'quota'
        ? { verb: 'delete', kind: 'quota', name: change.name }
        : { ...change, verb: 'delete' },
    )

const run = (line: string, input?: string) => {
  const [program = '', ...words] = line.split(' ')
  return execFileSync(program, words, { encoding: 'utf8', input })
}

const nothing = { downBytes: 0n, upBytes: 0n, downPackets: 0n, upPackets: 0n, dropped: 0n }

describe('what a provider reads of its sessions', () => {
  const table = 'pontage_rules'
  const addresses = (index: number) => ({ address4: `10.86.0.${index}`, address6: `fd50::${index}` })
  const indexes = Array.from({ length: 40 }, (_, index) => index + 2)
  let firewall: Firewall

  /** Two lines stand for the tunnel and the uplink; at the far end of each is a network of its own. */
  beforeAll(() => {
    for (const [device, far, ours, theirs] of [
      ['pontrules0', 'consumers', '10.86.0.1/16', indexes.map((index) => `10.86.0.${index}/16`)],
      ['uplink0', 'outside', '198.51.100.1/24', ['198.51.100.2/24']],
    ] as const) {
      run(`ip netns add ${far}`)
      run(`ip link add ${device} type veth peer name far netns ${far}`)
      run(`ip address add ${ours} dev ${device}`)
      run(`ip link set ${device} up`)
      for (const address of theirs) run(`ip -n ${far} address add ${address} dev far`)
      run(`ip -n ${far} link set far up`)
    }
    run('ip -n consumers route add default via 10.86.0.1')
    run('sysctl -qw net.ipv4.ip_forward=1')
  })
  afterAll(() => {
    for (const device of ['pontrules0', 'uplink0']) run(`ip link delete ${device}`)
    for (const far of ['consumers', 'outside']) run(`ip netns delete ${far}`)
  })

  const plan = {
    ...{ table, tunnel: 'pontrules0', uplink: 'uplink0', subnet4: '10.86.0.0/16', subnet6: 'fd50::/64' },
    gateway: { address4: '10.86.0.1', address6: 'fd50::1' },
    ...{
      paymentPort: 4_000,
      wireguardPort: 51_820,
      policy: { closedPorts: [], closedNetworks: [], openPorts: [] },
    },
    ...{ resolver4: undefined, resolver6: undefined, ownNetworks6: [], outer: [] },
    ...{ othersForward4: false, othersForward6: false },
  }
  const pinging = (index: number, count: number) =>
    `ip netns exec consumers ping -I 10.86.0.${index} -c ${count} -i 0.002 -W 1 -s 972 198.51.100.2`
  const ping = (index: number, count: number) => {
    try {
      run(pinging(index, count))
    } catch {
      // What is beyond its limit is dropped.
    }
  }
  const counted = () =>
    new Map(
      (
        JSON.parse(run(`nft -j list counters table inet ${table}`)) as {
          nftables: { counter?: { name: string; packets: number; bytes: number } }[]
        }
      ).nftables.flatMap(({ counter }) => (counter ? [[counter.name, counter] as const] : [])),
    )
  /** Compares what was read with what nft lists. */
  async function compare() {
    const readings = await firewall.read()
    const all = counted()
    for (const index of indexes) {
      const { downBytes, upBytes, downPackets, upPackets, dropped } = readings.get(index) ?? nothing
      const [down, up, lost] = ['down', 'up', 'dropped'].map((name) => all.get(`${name}_${index}`))
      expect([downBytes, upBytes, downPackets, upPackets, dropped].map(Number), `session ${index}`).toEqual([
        ...[down?.bytes, up?.bytes, down?.packets, up?.packets],
        lost?.bytes,
      ])
    }
    return readings
  }

  it.each([
    ['by a socket', NftSocket.open],
    ['by nft', () => undefined],
  ])('is what was counted, whoever moved, %s', async (_how, open) => {
    firewall = await raiseFirewall(plan, open)
    try {
      for (const index of indexes) await firewall.admit(index, addresses(index), 1_000_000n)
      await compare()
      ping(2, 3)
      const first = await compare()
      expect(first.get(2)).toMatchObject({ upBytes: 3_000n, downBytes: 3_000n, dropped: 0n })
      // Few, many, nobody, and one whose limit ends it.
      for (const index of [2, 3, 3]) ping(index, 2)
      await compare()
      for (const index of indexes) ping(index, 1)
      await compare()
      await compare()
      await firewall.apply([{ type: 'limit', key: 5, bytes: 4_000n }])
      ping(5, 4)
      expect((await compare()).get(5)?.dropped).toBeGreaterThan(0n)
      await firewall.apply([{ type: 'hold', key: 5, addresses: addresses(5) }])
      const held = (await compare()).get(5)
      ping(5, 1)
      expect((await compare()).get(5)).toEqual(held)
      await firewall.dismiss(2, addresses(2), true)
      expect((await firewall.read()).get(2)).toBeUndefined()
      await firewall.rebuild(
        indexes.map((index) => ({ key: index, addresses: addresses(index), limit: 5_000n, passing: true })),
      )
      ping(3, 1)
      expect((await compare()).get(3)).toMatchObject({ upBytes: 1_000n, downBytes: 1_000n })
      expect(await firewall.isWhole()).toBe(true)
    } finally {
      firewall.close()
      nft(`delete table inet ${table}`)
    }
  })

  it.each(['up', 'down'])(
    'lets nothing pass that it cannot count: another program emptied %s',
    async (map) => {
      firewall = await raiseFirewall(plan)
      try {
        await firewall.admit(2, addresses(2), 1_000_000n)
        ping(2, 2)
        expect((await firewall.read()).get(2)).toMatchObject({ upBytes: 2_000n, downBytes: 2_000n })
        for (const name of [map, 'credit']) nft(`flush map inet ${table} ${name}4`)
        expect(() => run(pinging(2, 2))).toThrow()
      } finally {
        firewall.close()
        nft(`delete table inet ${table}`)
      }
    },
  )
})

describe('the kernel’s firewall by a socket', () => {
  let socket: NftSocket
  beforeEach(() => {
    nft(empty('by_socket'))
    socket = NftSocket.open(place('by_socket')) as NftSocket
    expect(socket).toBeDefined()
  })
  afterEach(() => socket.close())

  it('comes to be what the same commands of nft make it', () => {
    nft(empty('by_nft'))
    const count = 300
    const all = Array.from({ length: count }, (_, index) => index + 1)
    const changes = [
      ...all.flatMap(session),
      ...all.map(
        (index): NftChange => ({ verb: 'add', kind: 'quota', name: `credit_${index}`, over: 5_000_001n }),
      ),
      ...all.filter((index) => index % 3 === 0).flatMap(gone),
    ]
    socket.apply(changes)
    nft(changes.map((change) => nftCommand(place('by_nft'), change)).join('\n'))
    expect(list('by_socket')).toBe(list('by_nft'))
    expect(list('by_socket')).toContain('over 5000001 bytes')
  })

  it('changes all or nothing, and names what was refused', () => {
    socket.apply(session(1))
    const before = list('by_socket')
    expect(() => socket.apply([...session(2), { verb: 'delete', kind: 'counter', name: 'down_9' }])).toThrow(
      /refused a change: no such file or directory: delete counter inet by_socket down_9/,
    )
    // It is still referred to.
    expect(() => socket.apply([{ verb: 'delete', kind: 'counter', name: 'down_1' }])).toThrow(/busy/)
    expect(list('by_socket')).toBe(before)
    socket.apply(session(2))
    expect(list('by_socket')).toContain('down_2')
  })

  it('reads what was counted, by names and all of it, and who moved', async () => {
    const all = Array.from({ length: 400 }, (_, index) => index + 1)
    socket.apply(all.flatMap(session))
    expect(socket.addresses('moved4')).toEqual([])
    run(`ping -c 2 -i 0.2 -s 72 ${address4(7)}`)
    const counted = { packets: 2n, bytes: 200n }
    expect(socket.counters(['down_7', 'down_8'])).toEqual([counted, { packets: 0n, bytes: 0n }])
    const read = socket.allCounters()
    expect(read.size).toBe(400)
    expect(read.get('down_7')).toEqual(counted)
    expect(socket.counters(all.map((index) => `down_${index}`))).toEqual(
      all.map((index) => read.get(`down_${index}`)),
    )
    expect(socket.addresses('moved4')).toContain(Buffer.from([127, 1, 0, 7]).toString('latin1'))
    // What was used stays used.
    socket.apply([{ verb: 'add', kind: 'counter', name: 'down_7' }])
    expect(socket.counters(['down_7'])).toEqual([counted])
    expect(() => socket.counters(['down_1', 'down_900'])).toThrow(/no such file or directory: down_900/)
    nft('delete table inet by_socket')
    expect(() => socket.allCounters()).toThrow(/it has no counters/)
    expect(() => socket.addresses('moved4')).toThrow(/no such file/)
  })

  it('tells its own changes from those of others, whatever these change', () => {
    const before = socket.foreignChanges()
    socket.apply(session(1))
    socket.apply(session(2))
    expect(socket.foreignChanges()).toBe(before)
    nft('table inet of_another { }')
    expect(socket.foreignChanges()).toBe(before + 1)
    nft('delete table inet of_another')
    // Found when it writes, too, and no reason not to.
    socket.apply(session(3))
    expect(list('by_socket')).toContain('down_3')
    expect(socket.foreignChanges()).toBe(before + 2)
  })

  it('asks nobody once it is closed', () => {
    socket.close()
    expect(() => socket.apply(session(1))).toThrow(
      /could not be asked about its firewall: bad file descriptor/,
    )
    expect(list('by_socket')).not.toContain('down_1')
  })
})

it('what a version before this one had counted is read, which noted nobody that moved', async () => {
  const table = 'pontrules_left'
  onTestFinished(() => void nft(`delete table inet ${table}`))
  nft(`table inet ${table} {
    counter down_7 { packets 3 bytes 400 }
    counter up_7 { packets 2 bytes 80 }
    counter dropped_7 { packets 1 bytes 60 }
    quota credit_7 { over 1000 bytes used 540 bytes }
    map down4 { type ipv4_addr : counter; elements = { 10.86.0.7 : "down_7" } }
    map credit4 { type ipv4_addr : quota; elements = { 10.86.0.7 : "credit_7" } }
    set passing4 { type ipv4_addr; elements = { 10.86.0.7 } }
  }`)
  expect([...(await readLeftTable(table))]).toEqual([
    [7, { downBytes: 400n, upBytes: 80n, downPackets: 3n, upPackets: 2n, dropped: 60n }],
  ])
})
