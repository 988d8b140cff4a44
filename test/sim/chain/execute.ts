import {
  type Address,
  address,
  type ChannelParties,
  type DocumentName,
  finalState,
  type Hex,
  hashChannelState,
  money,
  unixSeconds,
  wei,
} from '@pontage/shared'
import { keccak256, recoverDigest } from '@pontage/shared/node'
import type { Result } from 'ethers'
import { channels, documents, type Emitted, emitted, marketplace, registry, token } from './contracts.js'
import { deployment } from './deployment.js'
import { eventsOf } from './events.js'
import { type ChainState, idOf, naming, put } from './state.js'

/** A call as it reaches the chain. */
export interface Call {
  readonly from: Address
  readonly to: Address
  readonly data: Hex
}

export type Contract = 'channels' | 'registry' | 'marketplace' | 'token'

/** What became of a call. */
export type Executed =
  | { readonly ok: true; readonly state: ChainState; readonly logs: readonly Emitted[] }
  | { readonly ok: false; readonly refusal: string; readonly contract: Contract }

const nobody = `0x${'00'.repeat(20)}` as Address

/** Runs a call on the contracts: the model of the money decides, this reads what was asked and who signed it. */
export async function execute(state: ChainState, call: Call): Promise<Executed> {
  const contract = contractAt(call.to)
  // Coin that is sent to somebody, or nothing at all.
  if (!contract) return { ok: true, state, logs: [] }
  const face = { channels, registry, marketplace, token }[contract]
  const parsed = face.parseTransaction({ data: call.data })
  if (!parsed) return { ok: false, refusal: '', contract }
  try {
    const act = { channels: onChannels, registry: onRegistry, marketplace: onMarket, token: onToken }[
      contract
    ]
    return await act(state, call.from, parsed.name, parsed.args)
  } catch (error) {
    if (error instanceof Refused) return { ok: false, refusal: error.message, contract }
    throw error
  }
}

class Refused extends Error {}

function contractAt(to: Address): Contract | undefined {
  if (to === deployment.channels) return 'channels'
  if (to === deployment.registry) return 'registry'
  if (to === deployment.marketplace) return 'marketplace'
  return to === deployment.token ? 'token' : undefined
}

const who = (value: unknown): Address => address(String(value))
const many = (value: unknown): Result[] => [...(value as Iterable<Result>)]
const partiesOf = (raw: Result): ChannelParties => ({
  consumer: who(raw.consumer),
  hub: who(raw.hub),
  nonce: Number(raw.nonce),
})

/** Who signed a document; nobody when it is malformed, so that no rule accepts it. */
const signerOf = (name: DocumentName, document: object, signature: string): Address =>
  documents.recover(name, document as never, signature as Hex) ?? nobody

function promiseBy(parties: ChannelParties, provider: Address, amount: bigint, signature: string): Address {
  return signerOf('MicroPromise', { channelId: idOf(parties), provider, amount: wei(amount) }, signature)
}

const whole = (r: string, vs: string): Hex => {
  const word = BigInt(vs)
  const s = word & ((1n << 255n) - 1n)
  return `0x${r.slice(2)}${s.toString(16).padStart(64, '0')}${word >> 255n ? '1c' : '1b'}`
}

function drawOrder(raw: Result): money.DrawOrder {
  const parties = partiesOf(raw.parties)
  const provider = who(raw.provider)
  const amount = wei(raw.amount)
  const signer = promiseBy(parties, provider, amount, raw.promiseSignature)
  if (raw.guaranteeSignature === '0x') return { parties, provider, amount, signer }
  const ceiling = wei(raw.ceiling)
  const expiresAt = Number(raw.expiresAt)
  const guarantee = { channelId: idOf(parties), provider, ceiling, expiresAt: unixSeconds(expiresAt) }
  const by = signerOf('Guarantee', guarantee, raw.guaranteeSignature)
  return { parties, provider, amount, signer, guarantee: { ceiling, expiresAt, signer: by } }
}

function redeemOrder(raw: Result): money.RedeemOrder {
  const hub = who(raw.hub)
  const provider = who(raw.provider)
  const total = wei(raw.total)
  if (raw.signature === '0x') return { hub, provider, total }
  return { hub, provider, total, signer: signerOf('HubPromise', { hub, provider, total }, raw.signature) }
}

/** What one call of PaymentChannels asks of the money. */
async function operationOf(from: Address, name: string, args: Result): Promise<money.Operation | undefined> {
  switch (name) {
    case 'open':
      return {
        do: 'open',
        parties: { consumer: from, hub: who(args.hub), nonce: Number(args.nonce) },
        amount: wei(args.amount),
      }
    case 'deposit':
      return { do: 'deposit', by: from, parties: partiesOf(args.parties), amount: wei(args.amount) }
    case 'draw':
      return { do: 'draw', by: from, order: drawOrder(args.order) }
    case 'drawMany':
      return { do: 'drawMany', by: from, orders: many(args.orders).map(drawOrder) }
    case 'drawBatch':
      return { do: 'drawBatches', by: from, orders: slipsOf(from, who(args.provider), many(args.slips)) }
    case 'drawBatches':
      return {
        do: 'drawBatches',
        by: from,
        orders: many(args.batches).flatMap((batch) => slipsOf(from, who(batch.provider), many(batch.slips))),
      }
    case 'redeem':
      return { do: 'redeem', order: redeemOrder(args.redemption) }
    case 'redeemTo':
      return { do: 'redeemTo', by: from, order: redeemOrder(args.redemption), to: who(args.to) }
    case 'redeemMany':
      return { do: 'redeemMany', hub: who(args.hub), orders: paymentsOf(who(args.hub), many(args.payments)) }
    case 'drawAndRedeem':
      return {
        do: 'drawAndRedeem',
        by: from,
        orders: many(args.orders).map(drawOrder),
        redemption: redeemOrder(args.redemption),
      }
    case 'protest': {
      const parties = partiesOf(args.parties)
      const provider = who(args.provider)
      const amount = wei(args.amount)
      const signer = promiseBy(parties, provider, amount, args.signature)
      return { do: 'protest', order: { parties, provider, amount, signer } }
    }
    case 'settleProtest':
      return { do: 'settleProtest', parties: partiesOf(args.parties), provider: who(args.provider) }
    case 'requestExit':
      return { do: 'requestExit', parties: { consumer: from, hub: who(args.hub), nonce: Number(args.nonce) } }
    case 'requestExitFor': {
      const parties = partiesOf(args.parties)
      const { relayFee, deadline } = args
      const request = { channelId: idOf(parties), relayFee, deadline: unixSeconds(Number(deadline)) }
      const signer = signerOf('ExitRequest', request, args.signature)
      return { do: 'requestExitFor', by: from, parties, relayFee: wei(relayFee), signer }
    }
    case 'exit':
      return { do: 'exit', parties: partiesOf(args.parties), protesters: many(args.protesters).map(who) }
    case 'conclude':
      return conclusionOf(args)
    case 'fund':
      return { do: 'fund', by: from, hub: who(args.hub), amount: wei(args.amount) }
    case 'requestWithdrawal':
      return { do: 'requestWithdrawal', by: from, amount: wei(args.amount) }
    case 'withdraw':
      return { do: 'withdraw', by: from }
    case 'announceFee':
      return { do: 'announceFee', by: from, feeBps: Number(args.feeBps) }
    case 'repay':
      return {
        do: 'repay',
        by: from,
        parties: partiesOf(args.parties),
        provider: who(args.provider),
        amount: wei(args.amount),
      }
    case 'repayPromise':
      return {
        do: 'repayPromise',
        by: from,
        hub: who(args.hub),
        provider: who(args.provider),
        amount: wei(args.amount),
      }
    default:
      return undefined
  }
}

function slipsOf(hub: Address, provider: Address, slips: readonly Result[]): money.DrawOrder[] {
  return slips.map(({ consumer, nonce, amount, r, vs }) => {
    const parties = { consumer: who(consumer), hub, nonce: Number(nonce) }
    return {
      parties,
      provider,
      amount: wei(amount),
      signer: promiseBy(parties, provider, amount, whole(r, vs)),
    }
  })
}

function paymentsOf(hub: Address, payments: readonly Result[]): money.RedeemOrder[] {
  return payments.map(({ provider, total, r, vs }) => {
    const named = { hub, provider: who(provider), total: wei(total) }
    return BigInt(r) === 0n ? named : { ...named, signer: signerOf('HubPromise', named, whole(r, vs)) }
  })
}

const messagePrefix = Buffer.from('\x19Ethereum Signed Message:\n32')

async function conclusionOf(args: Result): Promise<money.Operation> {
  const raw = args.finalState as Result
  const parties = partiesOf(raw.parties)
  const totals = many(raw.totals).map(({ provider, amount }) => ({
    provider: who(provider),
    amount: wei(amount),
  }))
  const releases = many(raw.releases).map(({ provider, amount, upTo, signature }) => {
    const release = { provider: who(provider), amount: wei(amount), upTo: unixSeconds(Number(upTo)) }
    return { ...release, signer: signerOf('Release', { ...release, channelId: idOf(parties) }, signature) }
  })
  const hash = await hashChannelState(finalState(deployment, parties, { totals, releases }))
  const digest = keccak256(Buffer.concat([messagePrefix, Buffer.from(hash.slice(2), 'hex')]))
  const signers = {
    consumer: recoverDigest(digest, args.consumerSignature) ?? nobody,
    hub: recoverDigest(digest, args.hubSignature) ?? nobody,
  }
  return { do: 'conclude', parties, totals, releases, signers }
}

/** Tokens that a call takes from somebody who must have allowed it. */
function spend(state: ChainState, owner: Address, spender: Address, amount: bigint): ChainState {
  const key = `${owner}>${spender}`
  const allowed = state.allowances.get(key) ?? 0n
  if (allowed < amount) throw new Refused('ERC20InsufficientAllowance')
  return allowed === unlimited
    ? state
    : { ...state, allowances: put(state.allowances, key, allowed - amount) }
}
const unlimited = 2n ** 256n - 1n

const taken: Partial<Record<money.Operation['do'], true>> = {
  open: true,
  deposit: true,
  fund: true,
  repay: true,
  repayPromise: true,
}

async function onChannels(given: ChainState, from: Address, name: string, args: Result): Promise<Executed> {
  if (name === 'anchorLiabilities')
    return { ok: true, state: given, logs: [emitted('channels', 'LiabilitiesAnchored', [from, ...args])] }
  if (name === 'openFor') return openFor(given, from, args)
  const operation = await operationOf(from, name, args)
  if (!operation) throw new Refused('')
  return moved(given, operation, taken[operation.do] ? from : undefined)
}

/** Does an operation to the money, and says what happened as the contracts do. */
function moved(
  given: ChainState,
  operation: money.Operation,
  payer?: Address,
  spender = deployment.channels,
): Executed {
  const result = money.move(given.money, operation)
  if (!result.ok) throw new Refused(result.refusal)
  let state: ChainState = { ...given, money: result.money }
  for (const parties of namedBy(operation)) state = naming(state, parties)
  if (payer) {
    const before = money.walletOf(given.money, payer)
    const after = money.walletOf(result.money, payer)
    if (after < before) state = spend(state, payer, spender, before - after)
  }
  return { ok: true, state, logs: eventsOf(given.money, result.money, operation) }
}

function namedBy(operation: money.Operation): ChannelParties[] {
  if ('parties' in operation) return [operation.parties]
  if ('order' in operation && 'parties' in operation.order) return [operation.order.parties]
  if ('orders' in operation)
    return operation.orders.flatMap((order) => ('parties' in order ? [order.parties] : []))
  return []
}

/** Takes a fee from one wallet to another. */
function pay(state: ChainState, from: Address, to: Address, fee: bigint): ChainState {
  if (fee === 0n) return state
  if (money.walletOf(state.money, from) < fee) throw new Refused('ERC20InsufficientBalance')
  const less = put(state.money.wallets, from, wei(money.walletOf(state.money, from) - fee))
  const wallets = put(less, to, wei((less.get(to) ?? 0n) + fee))
  return { ...state, money: { ...state.money, wallets } }
}

function demandSigned(
  name: DocumentName,
  document: object,
  signature: string,
  signer: Address,
  deadline: number,
  state: ChainState,
) {
  if (deadline < state.money.now) throw new Refused('SignatureExpired')
  if (signerOf(name, document, signature) !== signer) throw new Refused('WrongSigner')
}

function openFor(given: ChainState, from: Address, args: Result): Executed {
  const { consumer, hub, channelNonce, amount, relayFee, deadline } = args.opening as Result
  const opening = {
    consumer: who(consumer),
    hub: who(hub),
    channelNonce: Number(channelNonce),
    amount: wei(amount),
    relayFee: wei(relayFee),
    deadline: unixSeconds(Number(deadline)),
  }
  demandSigned('Opening', opening, args.signature, opening.consumer, opening.deadline, given)
  const permitted = permit(given, opening.consumer, deployment.channels, args.permit as Result)
  const parties = { consumer: opening.consumer, hub: opening.hub, nonce: opening.channelNonce }
  const opened = moved(permitted, { do: 'open', parties, amount: opening.amount }, opening.consumer)
  if (!opened.ok) return opened
  const paid = spend(opened.state, opening.consumer, deployment.channels, opening.relayFee)
  return { ...opened, state: pay(paid, opening.consumer, from, opening.relayFee) }
}

/** Permits of the simulation are not looked at closely: whoever holds one may take what it says. */
function permit(state: ChainState, owner: Address, spender: Address, raw: Result): ChainState {
  if (raw.value === 0n || Number(raw.deadline) < state.money.now) return state
  return {
    ...state,
    allowances: put(state.allowances, `${owner}>${spender}`, BigInt(raw.value)),
    permitNonces: put(state.permitNonces, owner, (state.permitNonces.get(owner) ?? 0n) + 1n),
  }
}

/** Uses up an identity's next document of the registry. */
function countDocument(state: ChainState, identity: Address, nonce: bigint): ChainState {
  const expected = state.registryNonces.get(identity) ?? 0n
  if (nonce !== expected) throw new Refused('WrongNonce')
  return { ...state, registryNonces: put(state.registryNonces, identity, nonce + 1n) }
}

async function onRegistry(given: ChainState, from: Address, name: string, args: Result): Promise<Executed> {
  const atRegistry = deployment.registry
  switch (name) {
    case 'register': {
      const stake = wei(args.stake)
      const state = registered(given, from, args.url)
      return moved(
        state,
        {
          do: 'register',
          by: from,
          roles: Number(args.roles),
          stake,
          beneficiary: beneficiaryIn(args.beneficiary, from),
        },
        from,
        atRegistry,
      )
    }
    case 'registerFor': {
      const raw = args.registration as Result
      const identity = who(raw.identity)
      const deadline = Number(raw.deadline)
      const document = {
        identity,
        roles: Number(raw.roles),
        stake: raw.stake,
        beneficiary: who(raw.beneficiary),
        url: raw.url,
        relayFee: raw.relayFee,
        nonce: raw.nonce,
        deadline,
      }
      demandSigned('Registration', document, args.signature, identity, deadline, given)
      const state = permit(
        countDocument(registered(given, identity, raw.url), identity, raw.nonce),
        identity,
        atRegistry,
        args.permit as Result,
      )
      const done = moved(
        state,
        {
          do: 'register',
          by: identity,
          roles: document.roles,
          stake: wei(raw.stake),
          beneficiary: beneficiaryIn(raw.beneficiary, identity),
        },
        identity,
        atRegistry,
      )
      return done.ok
        ? {
            ...done,
            state: pay(spend(done.state, identity, atRegistry, raw.relayFee), identity, from, raw.relayFee),
          }
        : done
    }
    case 'depositFor': {
      const raw = args.deposit as Result
      const consumer = who(raw.consumer)
      const deadline = Number(raw.deadline)
      const document = {
        consumer,
        hub: who(raw.hub),
        channelNonce: Number(raw.channelNonce),
        amount: raw.amount,
        relayFee: raw.relayFee,
        nonce: raw.nonce,
        deadline,
      }
      demandSigned('Deposit', document, args.signature, consumer, deadline, given)
      const state = permit(
        countDocument(given, consumer, raw.nonce),
        consumer,
        atRegistry,
        args.permit as Result,
      )
      const parties = { consumer, hub: document.hub, nonce: document.channelNonce }
      const done = moved(
        state,
        { do: 'deposit', by: consumer, parties, amount: wei(raw.amount) },
        consumer,
        atRegistry,
      )
      return done.ok
        ? {
            ...done,
            state: pay(spend(done.state, consumer, atRegistry, raw.relayFee), consumer, from, raw.relayFee),
          }
        : done
    }
    case 'addStake':
      return moved(
        given,
        { do: 'addStake', by: from, identity: who(args.identity), amount: wei(args.amount) },
        from,
        atRegistry,
      )
    case 'requestUnbonding':
      return moved(given, { do: 'requestUnbonding', by: from, amount: wei(args.amount) })
    case 'cancelUnbonding':
    case 'withdrawStake':
      return moved(given, { do: name, by: from })
    case 'cancelSignatures': {
      const nonce = given.registryNonces.get(from) ?? 0n
      return { ok: true, state: countDocument(given, from, nonce), logs: [] }
    }
    default:
      throw new Refused('')
  }
}

const beneficiaryIn = (raw: unknown, identity: Address): Address =>
  who(raw) === nobody ? identity : who(raw)

const registered = (state: ChainState, identity: Address, url: string): ChainState => ({
  ...state,
  urls: put(state.urls, identity, url),
  registeredAt: put(state.registeredAt, identity, state.registeredAt.get(identity) ?? state.money.now),
})

async function onMarket(given: ChainState, from: Address, name: string, args: Result): Promise<Executed> {
  if (name === 'withdrawOffer') {
    const offer = given.offers.get(from)
    if (!offer?.live) throw new Refused('NoOffer')
    const gone = { ...offer, live: false, issuedAt: Math.max(offer.issuedAt, given.money.now) }
    return {
      ok: true,
      state: { ...given, offers: put(given.offers, from, gone) },
      logs: [emitted('marketplace', 'ProposalWithdrawn', [from])],
    }
  }
  if (name !== 'publish') throw new Refused('')
  const proposal = args.proposal as Result
  const provider = who(proposal.provider)
  const issuedAt = Number(proposal.issuedAt)
  if (issuedAt <= (given.offers.get(provider)?.issuedAt ?? 0)) throw new Refused('StaleProposal')
  if (issuedAt > given.money.now + 60) throw new Refused('ProposalFromTheFuture')
  if (!money.isActive(given.money, provider, 2)) throw new Refused('NotActive')
  const { pricePerMegabyte, pricePerHour } = proposal
  const offer = { live: true, issuedAt, pricePerMegabyte, pricePerHour }
  const logs = [
    emitted('marketplace', 'ProposalPublished', [provider, proposal, args.signature, given.money.now]),
  ]
  return { ok: true, state: { ...given, offers: put(given.offers, provider, offer) }, logs }
}

async function onToken(given: ChainState, from: Address, name: string, args: Result): Promise<Executed> {
  if (name === 'approve') {
    const [spender, value] = args
    return {
      ok: true,
      state: { ...given, allowances: put(given.allowances, `${from}>${who(spender)}`, value) },
      logs: [],
    }
  }
  if (name === 'transfer') return { ok: true, state: pay(given, from, who(args[0]), args[1]), logs: [] }
  throw new Refused('')
}
