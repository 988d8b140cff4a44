import {
  type Address,
  type ChannelParties,
  finalState,
  type Hex,
  hashChannelState,
  type money,
  unixSeconds,
  wei,
} from '@pontage/shared'
import { keccak256, recoverDigest } from '@pontage/shared/node'
import type { Result } from 'ethers'
import { deployment } from './deployment.js'
import { many, nobody, partiesOf, signerOf, who } from './reading.js'
import { idOf } from './state.js'

export function promiseBy(
  parties: ChannelParties,
  provider: Address,
  amount: bigint,
  signature: string,
): Address {
  return signerOf('MicroPromise', { channelId: idOf(parties), provider, amount: wei(amount) }, signature)
}

const whole = (r: string, vs: string): Hex => {
  const word = BigInt(vs)
  const s = word & ((1n << 255n) - 1n)
  return `0x${r.slice(2)}${s.toString(16).padStart(64, '0')}${word >> 255n ? '1c' : '1b'}`
}

export function drawOrder(raw: Result): money.DrawOrder {
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

export function redeemOrder(raw: Result): money.RedeemOrder {
  const hub = who(raw.hub)
  const provider = who(raw.provider)
  const total = wei(raw.total)
  if (raw.signature === '0x') return { hub, provider, total }
  return { hub, provider, total, signer: signerOf('HubPromise', { hub, provider, total }, raw.signature) }
}

export function slipsOf(hub: Address, provider: Address, slips: readonly Result[]): money.DrawOrder[] {
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

export function paymentsOf(hub: Address, payments: readonly Result[]): money.RedeemOrder[] {
  return payments.map(({ provider, total, r, vs }) => {
    const named = { hub, provider: who(provider), total: wei(total) }
    return BigInt(r) === 0n ? named : { ...named, signer: signerOf('HubPromise', named, whole(r, vs)) }
  })
}

const messagePrefix = Buffer.from('\x19Ethereum Signed Message:\n32')

export async function conclusionOf(args: Result): Promise<money.Operation> {
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
