import { weiPerHour, weiPerMegabyte } from '@pontage/shared'
import { expect, it } from 'vitest'
import type { Status } from './status.js'
import { statusLines } from './statusLines.js'

const token = { tokenSymbol: 'PTT', tokenDecimals: 18 }
const idle: Status = {
  ...{ state: 'disconnected', killSwitch: false, problems: [], provider: null, interface: null },
  ...{ downBytes: null, upBytes: null, promisedWei: null, token: null, stoppedPackets: null },
  ...{
    exits: [],
    netns: null,
    rootless: false,
    beside: [],
    gateway: [],
    allowLan: null,
    live: null,
    lockdown: 'off',
  },
}
/** As it comes through the control socket: amounts are decimal strings. */
const served = {
  ...idle,
  ...{ state: 'connected', provider: '0xaa', token, downBytes: 42_000_000, upBytes: 1_000_000 },
  promisedWei: '2150000000000000',
  live: {
    ...{
      downBytes: 42_000_000,
      upBytes: 1_000_000,
      bytesPerSecond: 400_000,
      latencyMs: 3,
      mtu: 1_440,
      carrier: 'wss',
      proxy: '203.0.113.9:1080',
      postQuantum: true,
    },
    ...{ capLeft: null, budgetLeftWei: null, spentWei: '2150000000000000', sessions: 1, reason: null },
    serving: {
      country: 'DE',
      price: { perMegabyte: weiPerMegabyte(50_000_000_000_000n), perHour: weiPerHour(0n) },
      sinceMs: 0,
    },
    allowances: {
      cap: { used: '43000000', left: '7000000' },
      budget: { used: '2150000000000000', left: '497850000000000000' },
      channel: { used: '2150000000000000', left: '4197850000000000000' },
    },
  },
} as unknown as Status

it('says what holds, what is used and left, and what to type next', () => {
  expect(statusLines(served, 720_000)).toEqual([
    'Connected; the kill switch is on.',
    'Provider 0xaa, DE, 0.05 PTT/GB, for 12 min.',
    'Traffic: down 42.00 MB, up 1.00 MB, 3.2 Mbit/s, paid in 3 ms, packets of up to 1440 bytes, by wss through the proxy 203.0.113.9:1080, post-quantum, 0.00215 PTT promised to it in all.',
    'Cap: 43.00 MB used, 7.00 MB left. Nearly used up: connect again with a higher --cap.',
    'Budget: 0.00215 PTT used, 0.49785 PTT left.',
    'Channel: 0.00215 PTT used, 4.19785 PTT left.',
    'Next: "pontage disconnect" ends it.',
  ])
})

it('says why nobody is connected, and never an amount without its token', () => {
  expect(statusLines(idle, 0)).toEqual([
    'Not connected; the network is open.',
    'Next: "pontage providers" shows who offers what, "pontage connect" connects.',
  ])
  const live = {
    ...served.live,
    serving: null,
    allowances: null,
    reason: 'No answer on UDP 51820 of 203.0.113.7.',
  }
  const lines = statusLines({ ...served, state: 'reconnecting', token: null, live } as Status, 0)
  expect(lines).toContain('Why: No answer on UDP 51820 of 203.0.113.7.')
  expect(lines.join(' ')).not.toMatch(/wei|PTT/)
})

it('says whether lockdown holds', () => {
  expect(statusLines({ ...idle, lockdown: 'on' }, 0)[0]).toBe(
    'Not connected; lockdown is on, so nothing leaves this machine.',
  )
  const [state, lifted] = statusLines({ ...idle, lockdown: 'lifted' }, 0)
  expect(state).toBe('Not connected; the network is open.')
  expect(lifted).toContain('until the next connect or boot')
})
