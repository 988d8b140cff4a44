import { IIdentityRegistry__factory } from '@pontage/channel-contracts'
import { AbiCoder } from 'ethers'
import { describe, expect, it } from 'vitest'
import type { Address } from '../../units.js'
import type { Chain } from './chain.js'
import { readAccounts, readChannel, readStanding, readStandings, standingFrom } from './views.js'

const who = (number: number) => `0x${number.toString(16).padStart(40, '0')}` as Address

/** What the registry answers for an identity with these bytes for its url. */
function standingWith(url: Uint8Array) {
  const events = IIdentityRegistry__factory.createInterface()
  const layout = 'tuple(uint8,uint8,uint128,uint128,uint64,uint32,uint256,uint64,address,uint256,bytes)'
  const given = [[3, 1, 7n, 0n, 0n, 2, 0n, 1_700_000_000n, who(9), 4n, url]]
  return events.decodeFunctionResult('standingOf', AbiCoder.defaultAbiCoder().encode([layout], given))[0]
}

describe('a standing', () => {
  it('is read in the types of the project', async () => {
    const raw = standingWith(Buffer.from('wss://hub.example:7700'))
    const registry = { standingOf: async () => raw } as unknown as Chain['registry']
    expect(await readStanding({ registry }, who(1))).toEqual({
      ...{ roles: 3, activeRoles: 1, stake: 7n, unbonding: 0n, unbondsAt: 0, faults: 2, debt: 0n },
      ...{ registeredAt: 1_700_000_000, beneficiary: who(9), nonce: 4n, url: 'wss://hub.example:7700' },
    })
  })

  it('is read whatever bytes a stranger has put where its url belongs', () => {
    expect(standingFrom(standingWith(Uint8Array.of(0xff, 0xfe)))).toMatchObject({ stake: 7n, url: '' })
    expect(standingFrom(standingWith(Buffer.from('wss://a\u001b[2K')))).toMatchObject({ url: '' })
  })
})

describe('many standings', () => {
  const registry = IIdentityRegistry__factory.createInterface()
  const urls = ['', 'wss://hub.example:7700', `wss://${'long'.repeat(20)}.example`]
  const standing = (identity: string) => ({
    ...{ roles: 3, activeRoles: 1, stake: 7n, unbonding: 0n, unbondsAt: 0, faults: 2, debt: 0n },
    ...{ registeredAt: 1_700_000_000, beneficiary: identity, nonce: 4n },
    url: urls[Number(BigInt(identity) % 3n)] ?? '',
  })
  const answering = (answer: (some: readonly string[]) => string) =>
    ({
      registry: { interface: registry },
      rpc: {
        call: async ({ data }: { data: string }) =>
          answer([...registry.decodeFunctionData('standingsOf', data)[0]]),
      },
    }) as unknown as Pick<Chain, 'registry' | 'rpc'>
  const encoded = (some: readonly string[]) =>
    registry.encodeFunctionResult('standingsOf', [some.map(standing)])

  it('are read in the order of the identities, those with a long url among them', async () => {
    const identities = Array.from({ length: 250 }, (_, index) => who(index + 1))
    expect(await readStandings(answering(encoded), identities)).toEqual(identities.map(standing))
    expect(await readStandings(answering(encoded), [])).toEqual([])
  })

  it('are read as ethers reads each, whatever their amounts and the bytes of their url', async () => {
    const most = (bits: bigint) => (1n << bits) - 1n
    const urls = [
      Uint8Array.of(0xff, 0xfe),
      Buffer.from('wss://a\u001b[2K'),
      Buffer.from('wss://hüb.example'),
    ]
    const raw = urls.map((url, index) => [
      ...[
        255,
        7,
        most(128n),
        most(100n),
        most(40n),
        most(32n),
        most(256n),
        most(40n),
        who(9 + index),
        most(256n),
      ],
      url,
    ])
    const layout = 'tuple(uint8,uint8,uint128,uint128,uint64,uint32,uint256,uint64,address,uint256,bytes)'
    const answer = AbiCoder.defaultAbiCoder().encode([`${layout}[]`], [raw])
    const each = raw.map((one) => AbiCoder.defaultAbiCoder().encode([layout], [one]))
    const expected = each.map((one) => standingFrom(registry.decodeFunctionResult('standingOf', one)[0]))
    expect(expected.map(({ url }) => url)).toEqual(['', '', 'wss://hüb.example'])
    const found = await readStandings(
      answering(() => answer),
      [who(1), who(2), who(3)],
    )
    expect(found).toEqual(expected)
  })

  it('are refused where the answer is none: empty, cut off, or for others than were asked for', async () => {
    const identities = [who(1), who(2)]
    for (const answer of [
      '0x',
      encoded(identities).slice(0, 200),
      encoded(identities).slice(0, -64),
      `0x${'f'.repeat(256)}`,
    ])
      await expect(
        readStandings(
          answering(() => answer),
          identities,
        ),
      ).rejects.toThrow()
    await expect(
      readStandings(
        answering((some) => encoded(some.slice(1))),
        identities,
      ),
    ).rejects.toThrow(/answered 1 of 2/)
    await expect(
      readStandings(
        answering((some) => encoded([...some, ...some, ...some])),
        identities,
      ),
    ).rejects.toThrow(/answered 3 of 2/)
  })
})

describe('a channel', () => {
  const chainWith = (status: bigint) =>
    ({
      channels: { channelOf: async () => ({ status, balance: 5n, exitAt: 0n, openProtests: 0n }) },
    }) as unknown as Pick<Chain, 'channels'>

  it('has one of three states, and none that this program does not know', async () => {
    const states = [0n, 1n, 2n].map(async (status) => (await readChannel(chainWith(status), '0x')).status)
    expect(await Promise.all(states)).toEqual(['none', 'open', 'closed'])
    await expect(readChannel(chainWith(3n), '0x')).rejects.toThrow(/unknown channel status/)
  })
})

describe('many accounts', () => {
  const providers = Array.from({ length: 250 }, (_, index) => who(index + 1))
  const chainAnswering = (answered: (some: readonly string[]) => readonly string[]) => {
    const asked: number[] = []
    const channels = {
      accountsOf: async (_hub: string, some: readonly string[]) => {
        asked.push(some.length)
        return answered(some).map((provider) => ({
          ...{ credited: BigInt(provider), paid: 0n, missing: 1n, guaranteedMissing: 2n },
        }))
      },
    }
    return { asked, chain: { channels } as unknown as Pick<Chain, 'channels'> }
  }

  it('are asked for in pieces, and come in the order of their providers', async () => {
    const { asked, chain } = chainAnswering((some) => some)
    const accounts = await readAccounts(chain, who(0), providers)
    expect(accounts.map(({ credited }) => credited)).toEqual(providers.map(BigInt))
    expect(accounts[0]?.missing).toBe(3n)
    expect(Math.max(...asked)).toBeLessThanOrEqual(100)
    expect(await readAccounts(chain, who(0), [])).toEqual([])
  })

  it('are not believed where some are left out', async () => {
    const { chain } = chainAnswering((some) => some.slice(1))
    await expect(readAccounts(chain, who(0), providers)).rejects.toThrow(/answered 99 of 100/)
  })
})
