import {
  type Address,
  type Hex,
  type Params,
  type Result,
  refuse,
  type Verdict,
  type Wei,
} from '@pontage/shared'
import { permitArguments, reasonOf, type Sent } from '@pontage/shared/node'
import type { TransactionRequest } from 'ethers'
import type { Parts } from './parts.js'

const secondsPerDay = 86_400

/** Sends transactions for identities without gas, for the fee that they signed. */
export interface Relayer {
  register(params: Params<'relay-register'>): Promise<Verdict<{ value: Result<'relay-register'> }>>
  open(params: Params<'relay-open'>): Promise<Verdict<{ value: Result<'relay-open'> }>>
}

/** One paper to be relayed. */
interface Errand {
  readonly kind: 'register' | 'open'
  readonly identity: Address
  readonly digest: Hex
  readonly fee: Wei
  /** Calls the contract without sending. @throws what the contract reverts with */
  readonly simulate: () => Promise<unknown>
  readonly call: () => Promise<TransactionRequest>
}

export function createRelayer(parts: Parts): Relayer {
  const { chain, identity, typedData } = parts
  const { registry, channels } = chain
  const running = new Map<Hex, Promise<Verdict<{ value: { transaction: Hex } }>>>()
  const from = { from: identity.address }

  /** The same paper twice is one errand, whether it is still under way or done. */
  const once = (errand: Errand): Promise<Verdict<{ value: { transaction: Hex } }>> => {
    const already = running.get(errand.digest)
    if (already) return already
    const errands = relay(parts, errand).finally(() => running.delete(errand.digest))
    running.set(errand.digest, errands)
    return errands
  }

  return {
    async register({ registration, permit }) {
      const { signature, ...document } = registration
      const checked = typedData.check('Registration', registration, registration.identity)
      if (!checked.ok) return checked
      const given = [document, permitArguments(permit), signature] as const
      return once({
        kind: 'register',
        identity: registration.identity,
        digest: hex(typedData.digest('Registration', registration)),
        fee: registration.relayFee as Wei,
        simulate: () => registry.registerFor.staticCall(...given, from),
        call: () => registry.registerFor.populateTransaction(...given),
      })
    },
    async open({ opening, permit }) {
      const { signature, ...document } = opening
      if (opening.hub !== identity.address)
        return refuse({ code: 'not-a-party', identity: opening.hub, expected: identity.address })
      const checked = typedData.check('Opening', opening, opening.consumer)
      if (!checked.ok) return checked
      const given = [document, permitArguments(permit), signature] as const
      return once({
        kind: 'open',
        identity: opening.consumer,
        digest: hex(typedData.digest('Opening', opening)),
        fee: opening.relayFee as Wei,
        simulate: () => channels.openFor.staticCall(...given, from),
        call: () => channels.openFor.populateTransaction(...given),
      })
    },
  }
}

async function relay(parts: Parts, errand: Errand): Promise<Verdict<{ value: { transaction: Hex } }>> {
  const { ledger, sender, chain, settings, clock, log } = parts
  const done = await ledger.relayed(errand.digest)
  if (done) return { ok: true, value: { transaction: done.transaction } }
  if (errand.fee < settings.relayFee)
    return refuse({ code: 'relay-fee-too-low', fee: errand.fee, quoted: settings.relayFee })
  const now = clock.now()
  if ((await ledger.relayedSince(errand.identity, now - secondsPerDay)) >= settings.relaysPerDay)
    return refuse({ code: 'relay-limit', perDay: settings.relaysPerDay })
  let sent: Sent
  try {
    await errand.simulate()
    sent = await sender.send(errand.call())
  } catch (error) {
    const reason = reasonOf(chain, (error as Error).cause ?? error).replace(/\.$/, '')
    log.warn('relay failed', { kind: errand.kind, identity: errand.identity, reason })
    return refuse({ code: 'relay-failed', reason })
  }
  await ledger.recordRelayed({
    digest: errand.digest,
    identity: errand.identity,
    transaction: sent.transaction,
    at: now,
  })
  log.info('relayed', {
    kind: errand.kind,
    identity: errand.identity,
    fee: errand.fee,
    transaction: sent.transaction,
    gasUsed: sent.gasUsed,
  })
  return { ok: true, value: { transaction: sent.transaction } }
}

const hex = (bytes: Buffer): Hex => `0x${bytes.toString('hex')}`
