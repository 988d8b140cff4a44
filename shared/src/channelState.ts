import type { Destination, Address as LibraryAddress, State, Uint256 } from '@statechannels/wallet-core'
import { AbiCoder, getAddress, keccak256, MaxUint256, toBeHex, ZeroHash, zeroPadValue } from 'ethers'
import type { ChannelParties, Deployment } from './documents.js'
import type { Address, Hex } from './units.js'

/** A provider's running total in a final state. */
export interface ProviderTotal {
  readonly provider: Address
  readonly amount: bigint
}

/** What a provider's Release says, with who says it. */
export interface ReleaseTerms {
  readonly provider: Address
  readonly amount: bigint
  /** Guarantees that expire up to then are given up. */
  readonly upTo: number
}

export interface SignedReleaseTerms extends ReleaseTerms {
  readonly signature: Hex
}

/** A state of a channel's life cycle: its opening (turns 0 and 1) or its end. Both parties sign the library's hash of it. */
export interface ChannelState {
  readonly chainId: number
  /** PaymentChannels: application and asset holder, so that a state is good for one deployment only. */
  readonly channels: Address
  readonly parties: ChannelParties
  readonly turn: number
  readonly isFinal: boolean
  readonly totals: readonly ProviderTotal[]
  readonly releases: readonly ReleaseTerms[]
}

/** Seconds the library would leave for answers to a challenge. Pontage knows no challenges: its exit delay does that. */
const challengeDuration = 86_400
/** The turn after the pre-fund set-up. */
const finalTurn = 2

/** The state-channel library's id of a channel, which the contract uses too. */
export function channelIdOf({ chainId }: Pick<Deployment, 'chainId'>, channel: ChannelParties): Hex {
  return keccak256(
    abi.encode(
      ['uint256', 'address[]', 'uint256'],
      [chainId, [channel.consumer, channel.hub], channel.nonce],
    ),
  ) as Hex
}

/** What the parties sign before any deposit: turn 0 by the consumer, turn 1 by the hub; each may sign both. */
export function preFundState(
  deployment: Pick<Deployment, 'chainId' | 'channels'>,
  parties: ChannelParties,
  turn: 0 | 1,
): ChannelState {
  return { ...place(deployment), parties, turn, isFinal: false, totals: [], releases: [] }
}

/**
 * The end of a channel: what each provider gets in all, and exactly which releases go with it. Lists are put in
 * order of address, so that both parties build the same state.
 *
 * @throws RangeError when a provider appears twice in a list.
 */
export function finalState(
  deployment: Pick<Deployment, 'chainId' | 'channels'>,
  parties: ChannelParties,
  end: { readonly totals: readonly ProviderTotal[]; readonly releases: readonly ReleaseTerms[] },
): ChannelState {
  return {
    ...place(deployment),
    parties,
    turn: finalTurn,
    isFinal: true,
    totals: inOrder(end.totals).map(({ provider, amount }) => ({ provider, amount })),
    releases: inOrder(end.releases).map(({ provider, amount, upTo }) => ({ provider, amount, upTo })),
  }
}

/** The hash that both parties sign, by the library. Loads it on first use (about half a second). */
export async function hashChannelState(state: ChannelState): Promise<Hex> {
  const library = await loadLibrary()
  return library.hashState(libraryState(state)) as Hex
}

/**
 * The arguments of `PaymentChannels.conclude`.
 *
 * @param releases - Signed releases, the same that the state lists.
 * @throws RangeError when the state is not final, or a listed release lacks its signature.
 */
export function concludeArguments(
  state: ChannelState,
  releases: readonly SignedReleaseTerms[],
  signatures: { readonly consumer: Hex; readonly hub: Hex },
) {
  if (!state.isFinal) throw new RangeError('This state is not final: only a final state can close a channel.')
  const signedReleases = state.releases.map((listed) => {
    const signed = releases.find(({ provider }) => provider === listed.provider)
    if (signed === undefined || signed.amount !== listed.amount || signed.upTo !== listed.upTo)
      throw new RangeError(
        `The release of ${listed.provider} is missing or differs. Give those the state lists.`,
      )
    return { ...listed, signature: signed.signature }
  })
  const finalState = {
    parties: state.parties,
    turnNum: state.turn,
    challengeDuration,
    totals: [...state.totals],
    releases: signedReleases,
  }
  return [finalState, signatures.consumer, signatures.hub] as const
}

const abi = AbiCoder.defaultAbiCoder()

const loadLibrary = () => import('@statechannels/wallet-core')

const place = ({ chainId, channels }: Pick<Deployment, 'chainId' | 'channels'>) => ({ chainId, channels })

function inOrder<Item extends { readonly provider: Address }>(items: readonly Item[]): Item[] {
  const sorted = [...items].sort((a, b) => (a.provider < b.provider ? -1 : 1))
  sorted.forEach((item, index) => {
    if (sorted[index + 1]?.provider === item.provider)
      throw new RangeError(`${item.provider} appears twice: a final state has one total for each provider.`)
  })
  return sorted
}

/** The state as the library lays it out. */
export function libraryState(state: ChannelState): State {
  const { consumer, hub, nonce } = state.parties
  const holder = getAddress(state.channels) as LibraryAddress
  return {
    chainId: toBeHex(state.chainId),
    channelNonce: nonce,
    participants: [consumer, hub].map((party) => ({
      participantId: party,
      signingAddress: getAddress(party) as LibraryAddress,
      destination: destinationOf(party),
    })),
    appDefinition: holder,
    challengeDuration,
    turnNum: state.turn,
    isFinal: state.isFinal,
    appData: appDataOf(state),
    outcome: {
      type: 'SimpleAllocation',
      assetHolderAddress: holder,
      // All that is left goes to the consumer, however much was deposited or drawn in between.
      allocationItems: [{ destination: destinationOf(consumer), amount: toBeHex(MaxUint256, 32) as Uint256 }],
    },
  }
}

const destinationOf = (party: Address) => zeroPadValue(party, 32) as Destination

function appDataOf({ isFinal, totals, releases }: ChannelState): string {
  const releasesHash = isFinal
    ? keccak256(abi.encode(['tuple(address provider,uint256 amount,uint64 upTo)[]'], [releases]))
    : ZeroHash
  return abi.encode(['tuple(address provider,uint256 amount)[]', 'bytes32'], [totals, releasesHash])
}
