import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DeployOptions, deployAll } from '@pontage/channel-contracts'
import { type Address, address, type Deployment, parseTokens, type Wei } from '@pontage/shared'
import { type Chain, connectChain } from '@pontage/shared/node'
import { JsonRpcProvider, Network, NonceManager, Wallet } from 'ethers'
import { startChain, type TestChain } from './chain.js'
import type { Host } from './host.js'
import { type Internet, startInternet } from './internet.js'
import { patientMs } from './program.js'
import { deployStreetToken, type StreetTokenName } from './token.js'
import { createWorld, type Outer, type World } from './world.js'

/** A world with an internet, a chain, and the contracts on it: what all roles need before they begin. */
export interface Market {
  readonly world: World
  readonly internet: Internet
  readonly testChain: TestChain
  readonly deployment: Deployment
  /** The deployment as a file, for the programs' --deployment. */
  readonly deploymentFile: string
  /** The chain as an observer reads it, relying on the newest block. */
  readonly chain: Chain
  /** Who deployed, and got all tokens. */
  readonly deployer: Address
  /** Sends tokens, and coin for gas, from the deployer. `coin` is in whole coins. */
  fund(to: Address, amounts: { readonly tokens?: string; readonly coin?: string }): Promise<void>
  /** What the clocks say, of the chain and of all programs, in milliseconds since 1970. */
  now(): number
  /** Lets so much time pass at once on all those clocks. Only in a market that was created with clocks that are `ahead`. */
  skip(ms: number): Promise<void>
  /** Sets the clocks of all programs so far ahead of that, and no other: neither the chain's nor the time that passes. */
  setClocks(ms: number): void
  /** An amount of whole tokens in the smallest unit. */
  tokens(text: string): Wei
  destroy(): Promise<void>
}

/**
 * Starts world, internet, chain; deploys token and contracts.
 *
 * @param outer - What the network between the machines speaks.
 * @param options.start - Starts the chain on its host; anvil when left out.
 * @param options.aheadMs - How far all clocks are ahead to begin with, on anvil; left out: they are right, and stay so.
 * @param options.token - The token that everything is paid in; the project's own when left out.
 */
export async function createMarket(
  outer: Outer = 'dual',
  {
    aheadMs,
    start = (host) => startChain(host, { aheadMs }),
    token,
  }: {
    aheadMs?: number
    start?: (host: Host) => Promise<TestChain>
    token?: { readonly name: StreetTokenName; readonly decimals: number }
  } = {},
): Promise<Market> {
  const world = await createWorld(outer, aheadMs)
  const testChain = await start(await world.addHost('chain'))
  const internet = await startInternet(await world.addHost('internet'))
  const chainId = 31_337
  const { chain, deployment, deploymentFile, signer } = await deploy(testChain, world.folder, chainId, token)
  const deployer = address(await signer.getAddress())
  let ahead = aheadMs ?? 0
  return {
    world,
    internet,
    testChain,
    deployment,
    deploymentFile,
    chain,
    deployer,
    tokens: (text) => parseTokens(text, chain.tokenDecimals),
    now: () => Date.now() + ahead,
    async skip(ms) {
      ahead += ms
      world.setAhead(ahead)
      await chain.rpc.send('evm_increaseTime', [Math.round(ms / 1_000)])
    },
    setClocks: (ms) => world.setAhead(ahead + ms, ahead),
    async fund(to, { tokens, coin }) {
      if (coin !== undefined)
        await (await signer.sendTransaction({ to, value: parseTokens(coin, 18) })).wait()
      if (tokens !== undefined)
        await (
          await chain.token.connect(signer).transfer(to, parseTokens(tokens, chain.tokenDecimals))
        ).wait()
    },
    async destroy() {
      chain.close()
      signer.provider?.destroy()
      await world.destroy()
    },
  }
}

async function deploy(
  testChain: TestChain,
  folder: string,
  chainId: number,
  token: { readonly name: StreetTokenName; readonly decimals: number } | undefined,
) {
  const provider = new JsonRpcProvider(testChain.rpcUrl, chainId, {
    staticNetwork: Network.from(chainId),
    cacheTimeout: -1,
    polling: true,
    pollingInterval: 50,
  })
  const wallet = new Wallet(testChain.keys[0] ?? '', provider)
  const deployment = (await deployAll(wallet, token && (await optionsFor(wallet, token)))) as Deployment
  const deploymentFile = join(folder, 'deployment.json')
  writeFileSync(deploymentFile, JSON.stringify(deployment))
  const chain = await connectChain({ rpc: testChain.rpcUrl, deploymentFile, confirmations: 0 })
  return { chain, deployment, deploymentFile, signer: new NonceManager(wallet) }
}

/** The usual amounts in units of another token. */
async function optionsFor(
  signer: Wallet,
  { name, decimals }: { readonly name: StreetTokenName; readonly decimals: number },
): Promise<DeployOptions> {
  const whole = 10n ** BigInt(decimals)
  return {
    token: await deployStreetToken(signer, name, 1_000_000_000n * whole),
    minimumStakes: { consumer: whole, provider: 50n * whole, hub: 1_000n * whole },
    overchargePenalty: 5n * whole,
  }
}

/** Waits until a condition on the world holds, looking again and again. @throws Error when it takes too long. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  timeoutMs = patientMs,
): Promise<T> {
  const giveUpAt = Date.now() + timeoutMs
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (Date.now() > giveUpAt) throw new Error(`Within ${timeoutMs} ms it did not come about that ${what}.`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
