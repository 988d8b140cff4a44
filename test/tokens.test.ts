import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deployAll } from '@pontage/channel-contracts'
import { address, unixSeconds, wei } from '@pontage/shared'
import {
  approveAtLeast,
  type Chain,
  connectChain,
  createIdentity,
  createSender,
  type Identity,
  PrivateKey,
  permitArguments,
  readAllowing,
  signPermit,
} from '@pontage/shared/node'
import { Contract, id, JsonRpcProvider, NonceManager, Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Anvil, startAnvil } from '../shared/src/node/chain/anvil.fixture.js'
import { deployStreetToken, type StreetTokenName } from './world/token.js'

// Tokens as people have them, and what the programs make of their permits and answers.

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const key = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
const spender = address(`0x${'0c'.repeat(20)}`)
const permitOf = ['function permit(address,address,uint256,uint256,uint8,bytes32,bytes32)']
let anvil: Anvil
let folder: string
let provider: JsonRpcProvider
let owner: Identity
let poor: Identity
const chains: Chain[] = []

beforeAll(async () => {
  anvil = await startAnvil()
  folder = await mkdtemp(join(tmpdir(), 'pontage-tokens-'))
  provider = new JsonRpcProvider(anvil.url, 31_337, {
    staticNetwork: true,
    cacheTimeout: -1,
    pollingInterval: 20,
  })
  owner = await anvil.person('owner')
  poor = createIdentity(new PrivateKey(id('poor')))
})
afterAll(async () => {
  for (const chain of chains) chain.close()
  provider?.destroy()
  await rm(folder, { recursive: true, force: true })
  await anvil?.close()
})

/** The contracts on a token; the owner has 100 of it. */
async function chainOn(name: StreetTokenName, decimals: number): Promise<Chain> {
  const signer = new NonceManager(new Wallet(key, provider))
  const whole = 10n ** BigInt(decimals)
  const token = await deployStreetToken(signer, name, 1_000_000n * whole)
  const deploymentFile = join(folder, `${name}.json`)
  await writeFile(deploymentFile, JSON.stringify(await deployAll(new Wallet(key, provider), { token })))
  const chain = await connectChain({ rpc: anvil.url, deploymentFile, confirmations: 0 })
  chains.push(chain)
  await createSender(chain, createIdentity(new PrivateKey(key))).send(
    chain.token.transfer.populateTransaction(owner.address, 100n * whole),
  )
  return chain
}

const later = unixSeconds(4_000_000_000)

describe('a token like USDC', () => {
  it('is given permits of its own version, which it takes', async () => {
    const chain = await chainOn('DollarToken', 6)
    expect([chain.tokenSymbol, chain.tokenDecimals]).toEqual(['USDX', 6])
    const permit = await signPermit(chain, poor, spender, wei(5n), later)
    const { value, deadline, v, r, s } = permitArguments(permit)
    const token = new Contract(chain.deployment.token, permitOf, new Wallet(owner.privateKey.hex(), provider))
    await (await token.getFunction('permit')(poor.address, spender, value, deadline, v, r, s)).wait()
    expect(await chain.token.allowance(poor.address, spender)).toBe(5n)
  })
})

describe('a token like DAI', () => {
  it('has no permits that the contracts take: that is said, and nothing signed', async () => {
    const chain = await chainOn('DaiToken', 18)
    expect(chain.tokenSymbol).toBe('DAIX')
    expect(await readAllowing(chain, poor.address, spender, wei(5n))).toEqual({ by: 'transaction' })
    await expect(signPermit(chain, poor, spender, wei(5n), later)).rejects.toThrow(
      `The token has no permits (ERC-2612), so it takes a transaction of your own to allow the contract to use it. Send ${poor.address} a little of the chain’s coin`,
    )
  })
})

describe('a token like USDT', () => {
  it('is allowed by a transaction, though it answers nothing, and again by way of zero', async () => {
    const chain = await chainOn('SilentToken', 6)
    const sender = createSender(chain, owner)
    const allow = (amount: bigint) => approveAtLeast(chain, sender, owner.address, spender, wei(amount))
    const allowed = () => chain.token.allowance(owner.address, spender)
    expect(await readAllowing(chain, owner.address, spender, wei(5n))).toEqual({ by: 'transaction' })
    await allow(5n)
    expect(await allowed()).toBe(5n)
    await allow(9n)
    expect(await allowed()).toBe(9n)
    expect(await readAllowing(chain, owner.address, spender, wei(9n))).toEqual({ by: 'allowance' })
    // Zeros stand for no permit.
    expect(permitArguments(await signPermit(chain, owner, spender, wei(9n), later))).toMatchObject({ v: 0 })
  })
})

it('the project’s own token is given permits as before', async () => {
  const chain = await connectChain({ rpc: anvil.url, deploymentFile: anvil.deploymentFile, confirmations: 0 })
  chains.push(chain)
  expect(await readAllowing(chain, poor.address, spender, wei(5n))).toMatchObject({
    by: 'permit',
    domain: { name: 'Pontage Test Token', version: '1' },
  })
})
