import { type Address, address, type ChannelParties, type Hex, money } from '@pontage/shared'
import type { Interface, Result } from 'ethers'
import { channels, marketplace, registry, token } from './contracts.js'
import { deployment, moneySettings } from './deployment.js'
import { type ChainState, idOf } from './state.js'

const who = (value: unknown): Address => address(String(value))
const nobody = `0x${'00'.repeat(20)}`

/** What was answered on a state: the same question is asked again and again. */
const known = new WeakMap<ChainState, Map<string, string | undefined>>()

/** What a contract answers to a question; undefined for one it does not know. */
export function answer(state: ChainState, to: Address, data: Hex): string | undefined {
  const ofState = known.get(state) ?? new Map<string, string | undefined>()
  known.set(state, ofState)
  const key = `${to} ${data}`
  if (!ofState.has(key)) ofState.set(key, compute(state, to, data))
  return ofState.get(key)
}

function compute(state: ChainState, to: Address, data: Hex): string | undefined {
  const [face, views] = contractAt(to)
  if (!face) return '0x'
  const parsed = face.parseTransaction({ data })
  const view = parsed && views[parsed.name]
  if (!view) return undefined
  return face.encodeFunctionResult(parsed.fragment, view(state, parsed.args))
}

type View = (state: ChainState, args: Result) => readonly unknown[]

function contractAt(to: Address): [Interface | undefined, Readonly<Record<string, View>>] {
  if (to === deployment.channels) return [channels, ofChannels]
  if (to === deployment.registry) return [registry, ofRegistry]
  if (to === deployment.marketplace) return [marketplace, ofMarket]
  if (to === deployment.token) return [token, ofToken]
  return [undefined, {}]
}

const unopened: ChannelParties = { consumer: nobody as Address, hub: nobody as Address, nonce: 0 }

function tab(state: ChainState, id: Hex, provider: Address) {
  const known = money.tabOf(state.money, state.parties.get(id) ?? unopened, provider)
  const { drawn, releasedUpTo, protested, protestEndsAt } = known
  return [
    drawn,
    releasedUpTo,
    protested,
    protestEndsAt,
    money.missingByConsumer(known),
    money.missingByHub(known),
  ]
}

function account(state: ChainState, hub: Address, provider: Address) {
  const known = money.accountOf(state.money, hub, provider)
  const guaranteed = money.guaranteedMissing(state.money, hub, provider)
  return [known.credited, known.paid, money.missingOf(known), guaranteed]
}

const ofChannels: Readonly<Record<string, View>> = {
  channelIdOf: (_state, { parties: { consumer, hub, nonce } }) => [
    idOf({ consumer: who(consumer), hub: who(hub), nonce: Number(nonce) }),
  ],
  channelOf(state, { channelId }) {
    const parties = state.parties.get(channelId)
    const channel = parties && money.channelOf(state.money, parties)
    if (!parties || !channel) return [[0, 0n, 0, 0]]
    return [[channel.open ? 1 : 2, channel.balance, channel.exitAt, money.openProtests(state.money, parties)]]
  },
  tabOf: (state, { channelId, provider }) => [tab(state, channelId, who(provider))],
  tabsOf: (state, { channelId, providers }) => [
    [...providers].map((each) => tab(state, channelId, who(each))),
  ],
  accountOf: (state, { hub, provider }) => [account(state, who(hub), who(provider))],
  accountsOf: (state, { hub, providers }) => [
    [...providers].map((each) => account(state, who(hub), who(each))),
  ],
  hubOf(state, args) {
    const hub = who(args[0])
    const { pool, raise } = money.hubOf(state.money, hub)
    const { amount, withdrawableAt } = money.pendingOf(state.money, hub)
    const feeBps = money.feeOf(state.money, hub)
    const isRaising = raise !== undefined && raise.at > state.money.now
    const { stake, unbonding, faults } = money.identityOf(state.money, hub)
    const announced = isRaising ? raise.feeBps : feeBps
    const changesAt = isRaising ? raise.at : 0
    const debt = money.debtOf(state.money, hub)
    return [[pool, amount, withdrawableAt, feeBps, announced, changesAt, stake + unbonding, faults, debt]]
  },
  feeOf: (state, args) => [money.feeOf(state.money, who(args[0]))],
  withheldOf: () => [0n, 0n],
  settings() {
    const { maxGuarantee, protestWindow, exitDelay, withdrawalDelay, feeNotice, feeCapBps, defaultFeeBps } =
      moneySettings
    return [[maxGuarantee, protestWindow, exitDelay, withdrawalDelay, feeNotice, feeCapBps, defaultFeeBps]]
  },
  token: () => [deployment.token],
  registry: () => [deployment.registry],
}

function standing(state: ChainState, identity: Address) {
  const { roles, stake, unbonding, unbondsAt, faults, beneficiary } = money.identityOf(state.money, identity)
  const active = [1, 2, 4]
    .filter((role) => money.isActive(state.money, identity, role))
    .reduce((a, b) => a | b, 0)
  return [
    ...[roles, active, stake, unbonding, unbondsAt, faults, money.debtOf(state.money, identity)],
    state.registeredAt.get(identity) ?? 0,
    beneficiary ?? identity,
    state.registryNonces.get(identity) ?? 0n,
    state.urls.get(identity) ?? '',
  ]
}

const ofRegistry: Readonly<Record<string, View>> = {
  standingOf: (state, args) => [standing(state, who(args[0]))],
  standingsOf: (state, args) => [[...args[0]].map((each) => standing(state, who(each)))],
  isActive: (state, args) => [money.isActive(state.money, who(args[0]), Number(args[1]))],
  beneficiaryOf: (state, args) => [money.identityOf(state.money, who(args[0])).beneficiary ?? args[0]],
  debtOf: (state, args) => [money.debtOf(state.money, who(args[0]))],
  burned: (state) => [state.money.burned],
  minimumStake: (state, args) => [money.minimumStake(state.money, Number(args[0]))],
  unbondingDelay: () => [moneySettings.unbonding],
  token: () => [deployment.token],
  channels: () => [deployment.channels],
  marketplace: () => [deployment.marketplace],
}

const ofMarket: Readonly<Record<string, View>> = {
  offerOf(state, args) {
    const offer = state.offers.get(who(args[0]))
    if (!offer) return [[false, 0, 0n, 0n, 0n, 0n, 0]]
    const { live, issuedAt, pricePerMegabyte, pricePerHour } = offer
    return [[live, issuedAt, pricePerMegabyte, pricePerHour, pricePerMegabyte, pricePerHour, 0]]
  },
  settings: () => [[1_000, 3_600, 5n * 10n ** 18n]],
  registry: () => [deployment.registry],
}

const ofToken: Readonly<Record<string, View>> = {
  decimals: () => [18],
  symbol: () => ['SIM'],
  name: () => ['Simulated'],
  balanceOf(state, args) {
    const owner = who(args[0])
    if (owner === deployment.channels) return [money.heldByChannels(state.money)]
    if (owner === deployment.registry) return [money.heldByRegistry(state.money)]
    return [money.walletOf(state.money, owner)]
  },
  allowance: (state, args) => [state.allowances.get(`${who(args[0])}>${who(args[1])}`) ?? 0n],
  nonces: (state, args) => [state.permitNonces.get(who(args[0])) ?? 0n],
}
