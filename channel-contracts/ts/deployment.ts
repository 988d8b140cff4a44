import { type ContractFactory, getCreateAddress, type Signer } from 'ethers'
import {
  IdentityRegistry__factory,
  Marketplace__factory,
  PaymentChannels__factory,
  TestToken__factory,
} from '../types/factories/index.js'

/** Where the contracts of one network lie, as programs read it. Addresses are lower-case. */
export interface Deployment {
  chainId: number
  token: string
  registry: string
  channels: string
  marketplace: string
  /** First block that can hold an event of these contracts. */
  fromBlock: number
}

/** Seconds. */
export interface Delays {
  maxGuarantee: bigint | number
  protestWindow: bigint | number
  exitDelay: bigint | number
  withdrawalDelay: bigint | number
  feeNotice: bigint | number
  unbonding: bigint | number
  raiseNotice: bigint | number
}

/** What a deployment is made with. All that is left out is as docs/protocol.md lists it. */
export interface DeployOptions {
  /** An ERC-20 that exists already; else a TestToken is deployed, all of it minted to the signer. */
  token?: string
  tokenSupply?: bigint
  minimumStakes?: { consumer?: bigint; provider?: bigint; hub?: bigint }
  delays?: Partial<Delays>
  feeCapBps?: number
  defaultFeeBps?: number
  maxRaiseBps?: number
  overchargePenalty?: bigint
}

const whole = 10n ** 18n
const hour = 3600

/** The values of docs/protocol.md, for a token of 18 decimals. */
export const defaults = {
  tokenSupply: 1_000_000_000n * whole,
  minimumStakes: { consumer: whole, provider: 50n * whole, hub: 1_000n * whole },
  delays: {
    maxGuarantee: 6 * hour,
    protestWindow: 24 * hour,
    exitDelay: 54 * hour,
    withdrawalDelay: 48 * hour,
    feeNotice: 54 * hour,
    unbonding: 7 * 24 * hour,
    raiseNotice: hour,
  },
  feeCapBps: 2_000,
  defaultFeeBps: 200,
  maxRaiseBps: 1_000,
  overchargePenalty: 5n * whole,
} as const satisfies Required<Omit<DeployOptions, 'token'>>

/** Where a deployment that was interrupted began. */
export interface Beginning {
  firstNonce: number
  fromBlock: number
}

/**
 * Deploys token (unless one is given), registry, channels and marketplace. The contracts name each other in
 * immutables, so their addresses are computed before from the signer's nonce: it must send nothing else meanwhile.
 *
 * @param resumed - Given to go on with an interrupted deployment: what is there already is not deployed again.
 * @param begins - Told before the first transaction leaves, so that an interrupted deployment can be gone on with.
 * @throws When a transaction fails, or the signer has sent something else in between.
 */
export async function deployAll(
  signer: Signer,
  options: DeployOptions = {},
  resumed?: Beginning,
  begins: (beginning: Beginning) => Promise<void> | void = () => {},
): Promise<Deployment> {
  const provider = signer.provider
  if (provider === null) throw new Error('The signer is not connected to a chain. Connect it to a provider.')
  const from = await signer.getAddress()
  const { chainId } = await provider.getNetwork()
  const beginning = resumed ?? {
    firstNonce: await provider.getTransactionCount(from, 'latest'),
    fromBlock: await provider.getBlockNumber(),
  }
  await begins(beginning)
  let nonce = beginning.firstNonce
  const deploy = async <Args extends unknown[]>(
    factory: ContractFactory & { getDeployTransaction(...args: Args): Promise<object> },
    ...args: Args
  ): Promise<string> => {
    const expected = getCreateAddress({ from, nonce })
    if ((await provider.getCode(expected)) === '0x') {
      const next = await provider.getTransactionCount(from, 'latest')
      if (next !== nonce)
        throw new Error(
          `${from} has sent ${next} transactions, expected ${nonce}: something else was sent in between. Begin anew.`,
        )
      const sent = await signer.sendTransaction({ ...(await factory.getDeployTransaction(...args)), nonce })
      const receipt = await sent.wait()
      if (receipt?.contractAddress !== expected)
        throw new Error(`Deployed at ${receipt?.contractAddress}, expected ${expected}. Begin anew.`)
    }
    nonce += 1
    return expected.toLowerCase()
  }
  const token =
    options.token ??
    (await deploy(new TestToken__factory(signer), options.tokenSupply ?? defaults.tokenSupply))
  const at = (offset: number): string => getCreateAddress({ from, nonce: nonce + offset })
  const { registryArguments, channelSettings, marketSettings } = constructorArguments(options)
  const registry = await deploy(
    new IdentityRegistry__factory(signer),
    token,
    at(1),
    at(2),
    registryArguments.unbonding,
    registryArguments.minimumStakes,
  )
  const channels = await deploy(new PaymentChannels__factory(signer), registry, channelSettings)
  const marketplace = await deploy(new Marketplace__factory(signer), registry, marketSettings)
  return {
    chainId: Number(chainId),
    token: token.toLowerCase(),
    registry,
    channels,
    marketplace,
    fromBlock: beginning.fromBlock,
  }
}

/** What the constructors are given for these options. */
export function constructorArguments(options: DeployOptions) {
  const delays = { ...defaults.delays, ...options.delays }
  const { maxGuarantee, protestWindow, exitDelay, withdrawalDelay, feeNotice, unbonding, raiseNotice } =
    delays
  return {
    registryArguments: {
      unbonding,
      minimumStakes: { ...defaults.minimumStakes, ...options.minimumStakes },
    },
    channelSettings: {
      maxGuarantee,
      protestWindow,
      exitDelay,
      withdrawalDelay,
      feeNotice,
      feeCapBps: options.feeCapBps ?? defaults.feeCapBps,
      defaultFeeBps: options.defaultFeeBps ?? defaults.defaultFeeBps,
    },
    marketSettings: {
      maxRaiseBps: options.maxRaiseBps ?? defaults.maxRaiseBps,
      raiseNotice,
      overchargePenalty: options.overchargePenalty ?? defaults.overchargePenalty,
    },
  }
}
