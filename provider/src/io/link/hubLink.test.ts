import { address, systemClock } from '@pontage/shared'
import {
  createIdentity,
  createTypedData,
  type Link,
  type Log,
  listenLinks,
  PrivateKey,
} from '@pontage/shared/node'
import { afterEach, expect, it } from 'vitest'
import { type HubLink, keepHubLink } from './hubLink.js'

const contract = (digit: string) => address(`0x${digit.repeat(40)}`)
const typedData = createTypedData({
  ...{ chainId: 1, token: contract('1'), registry: contract('2'), channels: contract('3') },
  ...{ marketplace: contract('4'), fromBlock: 0 },
})
const hub = createIdentity(new PrivateKey('11'.repeat(32)))
const provider = createIdentity(new PrivateKey('22'.repeat(32)))
const silent: Log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

it('hangs up on a hub that did not take what it had to be shown first, and shows it again', async () => {
  const arrived: Link[] = []
  const listening = await listenLinks({
    ...{ host: '127.0.0.1', port: 0, log: silent, self: { identity: hub, typedData, clock: systemClock } },
    accept: () => ({ requests: { liability: async () => ({ ok: true, value: {} as never }) } }),
    joined: (link) => void arrived.push(link),
  })
  open.push(listening)
  let shown = 0
  const link: HubLink = keepHubLink({
    hub: hub.address,
    findUrl: async () => `ws://127.0.0.1:${listening.port}`,
    ...{ identity: provider, typedData, clock: systemClock, handlers: {}, log: silent },
    joined: async () => {
      if (++shown === 1) throw new Error('It does not take them.')
    },
  })
  open.push(link)
  expect(await link.request('liability', {})).toMatchObject({ refusal: { code: 'hub-unreachable' } })
  await arrived[0]?.closed
  const answered = await link.request('liability', {})
  expect(answered).not.toMatchObject({ refusal: { code: 'hub-unreachable' } })
  expect(shown).toBe(2)
  expect(arrived).toHaveLength(2)
})
