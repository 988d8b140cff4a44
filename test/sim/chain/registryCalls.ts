import { type Address, wei } from '@pontage/shared'
import type { Result } from 'ethers'
import { deployment } from './deployment.js'
import { type Done, demandSigned, moved, pay, permit, Refused, spend } from './effects.js'
import { nobody, who } from './reading.js'
import { type ChainState, put } from './state.js'

/** A call of Registry. */
export async function onRegistry(
  given: ChainState,
  from: Address,
  name: string,
  args: Result,
): Promise<Done> {
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
      return {
        ...done,
        state: pay(spend(done.state, identity, atRegistry, raw.relayFee), identity, from, raw.relayFee),
      }
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
      return {
        ...done,
        state: pay(spend(done.state, consumer, atRegistry, raw.relayFee), consumer, from, raw.relayFee),
      }
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

/** Uses up an identity's next document of the registry. */
function countDocument(state: ChainState, identity: Address, nonce: bigint): ChainState {
  const expected = state.registryNonces.get(identity) ?? 0n
  if (nonce !== expected) throw new Refused('WrongNonce')
  return { ...state, registryNonces: put(state.registryNonces, identity, nonce + 1n) }
}

const beneficiaryIn = (raw: unknown, identity: Address): Address =>
  who(raw) === nobody ? identity : who(raw)

const registered = (state: ChainState, identity: Address, url: string): ChainState => ({
  ...state,
  urls: put(state.urls, identity, url),
  registeredAt: put(state.registeredAt, identity, state.registeredAt.get(identity) ?? state.money.now),
})
