import { IIdentityRegistry__factory, IMarketplace__factory } from '@pontage/channel-contracts'
import { type Deployment, roles, systemClock } from '@pontage/shared'
import { type Chain, createIdentity, createLog, createTypedData, PrivateKey } from '@pontage/shared/node'
import { expect, it } from 'vitest'
import { createProposalIndex } from './proposalIndex.js'

const contract = `0x${'22'.repeat(20)}`
const deployment = {
  ...{ chainId: 1, token: contract, registry: contract, channels: contract, marketplace: contract },
  ...{ fromBlock: 0, tokenSymbol: 'PTT', tokenDecimals: 18 },
} as unknown as Deployment
const typedData = createTypedData(deployment)
const marketplace = IMarketplace__factory.connect(contract)
const registry = IIdentityRegistry__factory.createInterface()
const [event] = [marketplace.getEvent('ProposalPublished').fragment]

/** A log of an offer that this provider signed, with its country's bytes replaced where they are given. */
function published(key: string, countryBytes = '4445') {
  const provider = createIdentity(new PrivateKey(key.repeat(64)))
  const { signature, ...proposal } = typedData.signed(
    'Proposal',
    {
      ...{ provider: provider.address, service: 'wireguard', pricePerMegabyte: 5n, pricePerHour: 0n },
      ...{ country: 'DE', endpoint: '192.0.2.1:7710', wireguardKey: `0x${'11'.repeat(32)}` },
      ...{ certificate: `0x${'33'.repeat(32)}`, exitPolicy: '', hubs: [], issuedAt: systemClock.now() },
    } as never,
    provider.privateKey,
  )
  const values: Record<string, unknown> = { provider: provider.address, proposal, signature, effectiveAt: 1 }
  const { data, topics } = marketplace.interface.encodeEventLog(
    event,
    event.inputs.map(({ name }) => values[name] ?? 0),
  )
  const hash = `0x${key.repeat(64)}`
  return {
    ...{ topics, data: data.replace(`2${'4445'.padEnd(64, '0')}`, `2${countryBytes.padEnd(64, '0')}`) },
    ...{ blockNumber: 1, blockHash: hash, transactionHash: hash, index: 0 },
    provider: provider.address,
  }
}

it('passes over an offer in bytes that are no text, and lists the others', async () => {
  const [hostile, honest] = [published('1', 'ff45'), published('2')]
  const block = { number: 1, hash: '0x1', at: 10 }
  const standing = {
    ...{ roles: roles.provider, activeRoles: roles.provider, stake: 1n, unbonding: 0n, unbondsAt: 0n },
    ...{ faults: 0n, debt: 0n, registeredAt: 1n, beneficiary: contract, nonce: 0n, url: '' },
  }
  const chain = {
    ...{ marketplace, deployment, confirmed: async () => block },
    registry: { interface: registry },
    rpc: {
      call: async ({ data }: { data: string }) => {
        const [all] = registry.decodeFunctionData('standingsOf', data)
        return registry.encodeFunctionResult('standingsOf', [[...all].map(() => standing)])
      },
      getBlock: async () => block,
      getLogs: async () => [hostile, honest],
      getBlockNumber: async () => 1,
    },
  } as unknown as Chain
  const index = createProposalIndex({ chain, typedData, log: createLog('test', 'error') })
  await index.catchUp()
  expect(index.listing()?.entries.map(({ proposal }) => proposal.provider)).toEqual([honest.provider])
})
