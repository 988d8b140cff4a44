import { address, unixSeconds, wei } from '@pontage/shared'
import type { Chain } from '@pontage/shared/node'
import { expect, it } from 'vitest'
import type { Publication } from '../../io/ledger.js'
import type { Publisher } from './publisher.js'
import { liabilitiesRoute } from './routes.js'

const hub = address(`0x${'0a'.repeat(20)}`)

it('writes all that a hub owes once, however many ask for it', async () => {
  const publication: Publication = {
    liabilities: {
      ...{
        hub,
        root: `0x${'00'.repeat(32)}`,
        sum: wei(1n),
        pool: wei(1n),
        blockNumber: 7,
        signature: '0x01',
      },
    },
    leaves: [{ provider: hub, total: wei(10n), outstanding: wei(1n) }],
    publishedAt: unixSeconds(7),
  }
  const publisher: Pick<Publisher, 'whole'> = { whole: async () => ({ ok: true, publication }) }
  const chain = { deployment: { chainId: 1, channels: hub } } as unknown as Chain
  const route = liabilitiesRoute(chain, publisher as Publisher)
  const [first, second] = [await route(new URLSearchParams(), ''), await route(new URLSearchParams(), '')]
  expect(second.body).toBe(first.body)
  expect(JSON.parse(String(first.body))).toMatchObject({
    chainId: 1,
    publishedAt: 7,
    leaves: [{ total: '10' }],
  })
})
