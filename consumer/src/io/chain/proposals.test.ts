import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { IMarketplace__factory } from '@pontage/channel-contracts'
import { address, type Deployment, type Hex, unixSeconds, weiPerHour, weiPerMegabyte } from '@pontage/shared'
import { type Chain, createIdentity, createTypedData, PrivateKey } from '@pontage/shared/node'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { isPresentable } from '../../core/presentable.js'
import { proposalIn, publishedProposals } from './proposals.js'

const at = (byte: string) => address(`0x${byte.repeat(20)}`)
const deployment: Deployment = {
  ...{ chainId: 31_337, token: at('01'), registry: at('02'), channels: at('03'), marketplace: at('04') },
  fromBlock: 0,
}
const typedData = createTypedData(deployment)
const provider = createIdentity(new PrivateKey('11'.repeat(32)))
const events = IMarketplace__factory.createInterface()

/** What the chain keeps of an offer. */
function published(country: string) {
  const document = {
    ...{ provider: provider.address, service: 'wireguard', pricePerMegabyte: weiPerMegabyte(40n) },
    ...{ pricePerHour: weiPerHour(0n) },
    ...{ country, endpoint: 'vpn.example:7443', exitPolicy: '', hubs: [at('b1')], issuedAt: unixSeconds(1) },
    ...{ wireguardKey: `0x${'07'.repeat(32)}` as Hex, certificate: `0x${'08'.repeat(32)}` as Hex },
  }
  const { signature } = typedData.signed('Proposal', document, provider.privateKey)
  const fragment = events.getEvent('ProposalPublished')
  const named: Record<string, unknown> = {
    ...{ provider: provider.address, proposal: document, signature, effectiveAt: 1 },
  }
  return events.encodeEventLog(
    fragment,
    fragment.inputs.map(({ name }) => named[name]),
  )
}

describe('an offer on chain', () => {
  it('is read where it is signed', () => {
    expect(proposalIn(events, typedData, published('DE'))?.proposal.country).toBe('DE')
  })

  it('with bytes that are no UTF-8 is no offer, and hides no other', () => {
    const log = published('DE')
    const broken = {
      ...log,
      data: log.data.replace(
        Buffer.from('DE').toString('hex').padEnd(64, '0'),
        'ff'.repeat(2).padEnd(64, '0'),
      ),
    }
    expect(broken.data).not.toBe(log.data)
    expect([broken, log].map((each) => proposalIn(events, typedData, each)?.proposal.country)).toEqual([
      undefined,
      'DE',
    ])
  })

  it('with an escape sequence in its country is not shown', () => {
    const forged = proposalIn(events, typedData, published('DE\u001b[2A\u001b[2K'))
    expect(forged).toBeDefined()
    expect(forged && isPresentable(forged.proposal)).toBe(false)
    const sound = proposalIn(events, typedData, published('DE'))
    expect(sound && isPresentable(sound.proposal)).toBe(true)
  })
})

describe('offers that were read before', () => {
  let home = ''
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'pontage-offers-'))
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await rm(home, { recursive: true, force: true })
  })

  /** A chain that ends with these events in one block. */
  const chainWith = (logs: readonly ReturnType<typeof published>[], chainId = 31_337) => {
    const block = { number: 1, hash: '0xb1', at: unixSeconds(1) }
    const found = logs.map((log, index) => ({ ...log, blockHash: block.hash, index }))
    return {
      deployment: { ...deployment, chainId },
      marketplace: {
        interface: events,
        getEvent: (name: 'ProposalPublished') => ({ fragment: events.getEvent(name) }),
      },
      head: async () => block,
      confirmed: async () => block,
      rpc: { getBlock: async () => block, getLogs: async () => found },
    } as unknown as Chain
  }
  const broken = { ...published('DE'), data: '0x' }
  const readIt = async (chain: Chain) => {
    const parse = vi.spyOn(events, 'parseLog')
    parse.mockClear()
    const offers = await publishedProposals(home, chain, typedData)
    return { offers, parsed: parse.mock.calls.length }
  }

  it('are the same, and cost no reading, until the events are others', async () => {
    const first = await readIt(chainWith([published('DE')]))
    expect(first.parsed).toBe(1)
    expect(first.offers).toEqual([proposalIn(events, typedData, published('DE'))])
    expect(await readIt(chainWith([published('DE')]))).toEqual({ offers: first.offers, parsed: 0 })
    expect((await readIt(chainWith([published('DE')], 1))).parsed).toBe(1)
  })

  it('are none where there was none', async () => {
    expect(await readIt(chainWith([broken]))).toEqual({ offers: [], parsed: 1 })
    expect(await readIt(chainWith([broken]))).toEqual({ offers: [], parsed: 0 })
  })

  it('are read again where what was kept is damaged', async () => {
    const { offers } = await readIt(chainWith([published('DE')]))
    await writeFile(join(home, 'cache', 'offers.json'), '{"name": ')
    expect(await readIt(chainWith([published('DE')]))).toEqual({ offers, parsed: 1 })
  })
})
