import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytes, systemClock, unixSeconds, wei, weiPerHour, weiPerMegabyte } from '@pontage/shared'
import {
  applyIp,
  createLog,
  generatePresharedKey,
  generateWireguardKeys,
  type Link,
} from '@pontage/shared/node'
import type { Components } from '#built/app/components.js'
import { Sessions } from '#built/app/metering/sessions.js'
import { AddressPool } from '#built/core/addressPool.js'
import { parseExitPolicy } from '#built/core/exitPolicy.js'
import { prepareMachine } from '#built/io/kernel/machine.js'
import { PromiseStore } from '#built/io/store/promiseStore.js'
import { SessionStore } from '#built/io/store/sessionStore.js'
import { openDatabase } from '#built/io/store/storeSchema.js'
import { hub, newPayer } from './cast.js'

/** What this many peers cost: medians, in milliseconds. */
export interface PeerCosts {
  /** One round over all: read the kernel, advance every session, write what differs (one in ten has paid). */
  readonly tickMs: number
  /** To let one more in, kernel objects, tunnel and store. */
  readonly admitMs: number
  /** From a session's limit reached, found by a round, to the kernel holding it back. */
  readonly suspendMs: number
  /** Memory of this process, in megabytes, with all of them. */
  readonly memoryMegabytes: number
}

const price = { perMegabyte: weiPerMegabyte(40n), perHour: weiPerHour(0n) }
const subnets = { subnet4: '10.86.0.0/16', subnet6: 'fd50:6f6e:7467::/64' }
const rounds = 40

/** Admits this many sessions to a real interface and a real table, and runs rounds over them. */
export async function measurePeers(count: number): Promise<PeerCosts> {
  const home = await mkdtemp(join(tmpdir(), 'pontage-bench-'))
  const db = openDatabase(home)
  const uplink = 'benchuplink'
  await applyIp([
    ['link', 'add', 'dev', uplink, 'type', 'veth', 'peer', 'name', 'benchfar'],
    ['link', 'set', 'dev', uplink, 'up'],
  ])
  const pool = new AddressPool(subnets, count)
  const machine = await prepareMachine({
    ...{
      home,
      keys: generateWireguardKeys(),
      wireguardPort: 51_999,
      gateway: pool.gateway,
      consumer: pool.first,
    },
    ...subnets,
    ...{ bits: { four: 16, six: 64 }, policy: parseExitPolicy('deny tcp/25'), uplink, devices: [uplink] },
    ...{ resolver4: undefined, resolver6: undefined, ownNetworks6: [], outer: [] },
  })
  try {
    const firewall = await machine.raise(4_000)
    const promises = new PromiseStore(db)
    const took: number[] = []
    let tick: () => void = () => {}
    let isOver = false
    const components = {
      clock: systemClock,
      log: createLog('bench', 'error'),
      sessions: new SessionStore(db),
      promises,
    } as unknown as Components
    const sessions = new Sessions(components, machine, firewall, {
      ended: () => undefined,
      left: () => undefined,
      failed: (error) => {
        // The last round finds the table gone, and is the end of the rounds.
        if (!isOver) throw error
      },
      took: (ms) => {
        took.push(ms)
        tick()
      },
    })
    const admitted: number[] = []
    for (let index = 0; index < count; index++) {
      const { parties, channelId, identity } = newPayer(index + 1)
      const addresses = pool.take()
      if (addresses === undefined) throw new Error('There are too few addresses.')
      promises.keepChannel(channelId, parties)
      const id = `bench-${index}`
      const record = {
        id,
        key: index + 1,
        channelId,
        consumer: identity.address,
        hub,
        startedAt: unixSeconds(1),
      }
      const opening = { id, consumer: identity.address, channelId, price, base: wei(0n) }
      const credit = { atFirst: bytes(2_000_000n), atMost: bytes(2_000_000n), perSecond: bytes(10_000_000n) }
      const limits = { credit, graceSeconds: 3_600, ceiling: wei(10n ** 18n) }
      const began = performance.now()
      await sessions.open(
        { ...opening, ...limits },
        { ...record, base: wei(0n) },
        {
          addresses,
          wireguardKey: generateWireguardKeys().publicKey,
          presharedKey: generatePresharedKey(),
          paymentPort: 4_000,
        },
        silentLink,
      )
      admitted.push(performance.now() - began)
    }
    const all = sessions.all()
    took.length = 0
    const measured: number[] = []
    for (let round = 1; round <= rounds; round++) {
      const next = new Promise<void>((resolve) => {
        tick = resolve
      })
      for (const [index, { record }] of all.entries())
        if (index % 10 === round % 10) sessions.promised(record.channelId, wei(BigInt(round) * 40n))
      await next
      measured.push(took.at(-1) ?? 0)
    }
    const suspended: number[] = []
    for (const { record, addresses } of all.slice(0, 30)) {
      const began = performance.now()
      await firewall.read()
      await firewall.apply([{ type: 'hold', key: record.key, addresses }])
      suspended.push(performance.now() - began)
      await firewall.apply([{ type: 'pass', key: record.key, addresses }])
    }
    const memoryMegabytes = Math.round(process.memoryUsage().rss / 1e6)
    // What holds at the end is the cost with all of them there.
    const admitMs = median(admitted.slice(-100))
    isOver = true
    firewall.close()
    return { tickMs: median(measured), admitMs, suspendMs: median(suspended), memoryMegabytes }
  } finally {
    await machine.restore()
    await applyIp([['link', 'delete', 'dev', uplink]])
    db.close()
    await rm(home, { recursive: true, force: true })
  }
}

/** Stands for the websocket of a consumer that says nothing more. */
const silentLink = {
  peer: hub,
  remoteAddress: '',
  notify: () => undefined,
  sendFrame: () => undefined,
  close: () => undefined,
  closed: new Promise<string>(() => undefined),
} as unknown as Link

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
