import { IMarketplace__factory } from '@pontage/channel-contracts'
import { address, type Deployment, type Hex, unixSeconds, weiPerHour, weiPerMegabyte } from '@pontage/shared'
import { createIdentity, createTypedData, PrivateKey } from '@pontage/shared/node'
import { describe, expect, it } from 'vitest'
import { isPresentable } from '../../core/presentable.js'
import { proposalIn } from './discovery.js'

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
    expect(proposalIn(events, typedData, published('DE'))?.country).toBe('DE')
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
    expect([broken, log].map((each) => proposalIn(events, typedData, each)?.country)).toEqual([
      undefined,
      'DE',
    ])
  })

  it('with an escape sequence in its country is not shown', () => {
    const forged = proposalIn(events, typedData, published('DE\u001b[2A\u001b[2K'))
    expect(forged).toBeDefined()
    expect(forged && isPresentable(forged)).toBe(false)
    const sound = proposalIn(events, typedData, published('DE'))
    expect(sound && isPresentable(sound)).toBe(true)
  })
})
