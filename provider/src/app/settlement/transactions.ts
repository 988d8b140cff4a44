import { type Address, type Hex, type Wei, wei } from '@pontage/shared'
import { readAccount, withheldNote } from '@pontage/shared/node'
import { redeemable } from '../../core/redeemPolicy.js'
import { readPayments } from '../../io/chain/chainNews.js'
import type { StoredChannel } from '../../io/store/promiseStore.js'
import type { Components } from '../components.js'
import { recordPayments } from './paymentHistory.js'

/** What sending takes: less than serving does, so that a command can send without a daemon. */
export type SendingComponents = Omit<Components, 'commit' | 'sessions'>

/**
 * Redeems what waits with a hub and what it promised beyond.
 *
 * @returns Tokens paid to the beneficiary; zero when nothing was due, and then nothing is sent.
 * @throws UserError when the chain refuses it.
 */
export async function redeemAccount(components: SendingComponents, hub: Address): Promise<Wei> {
  const { chain, identity, sender, promises, log } = components
  // What a crash left on its way may be a redemption: its effect must be seen before the next.
  await sender.settleEarlier()
  const promise = promises.hubPromise(hub)
  const account = await readAccount(chain, hub, identity.address)
  const due = redeemable(promise.total, account)
  if (due === 0n) return due
  const onPromise = promise.total > account.credited
  const redemption = {
    hub,
    provider: identity.address,
    total: onPromise ? promise.total : 0n,
    signature: onPromise ? promise.signature : '0x',
  }
  // Naming the beneficiary spares the contract the question who it is.
  const beneficiary = await chain.registry.beneficiaryOf(identity.address)
  const { receipt } = await sender.send(chain.channels.redeemTo.populateTransaction(redemption, beneficiary))
  const payments = readPayments(chain, receipt.logs, identity.address)
  await recordPayments(components, payments)
  const redeemed = payments.reduce((sum, { kind, amount }) => (kind === 'redeem' ? sum + amount : sum), 0n)
  if (redeemed < due) log.warn('the hub could not pay in full', { hub, due, paid: redeemed })
  await warnOfWithheld(components)
  return wei(redeemed)
}

/** What the token would not pay the beneficiary stays in the contract, and nobody else may know of it. */
async function warnOfWithheld({ chain, identity, log }: SendingComponents): Promise<void> {
  const { amount: withheld } = await chain.channels.withheldOf(identity.address)
  if (withheld > 0n) log.warn('payment withheld', { note: withheldNote(chain, withheld, 'pontage-provider') })
}

/** Presents a promise on chain that no guarantee covers. @returns the transaction. */
export async function openProtest(
  components: SendingComponents,
  { parties, promise }: StoredChannel,
  drawn: Wei,
): Promise<Hex | undefined> {
  const { chain, identity, sender, settlements, clock } = components
  if (promise === undefined) return undefined
  await sender.settleEarlier()
  const { transaction, gasUsed, blockNumber, receipt } = await sender.send(
    chain.channels.protest.populateTransaction(parties, identity.address, promise.amount, promise.signature),
  )
  const amount = wei(promise.amount - drawn)
  settlements.add({
    ...{ kind: 'protest', hub: parties.hub, amount, total: amount, gasUsed, gasPrice: receipt.gasPrice },
    ...{ transaction, block: blockNumber, at: clock.now() },
  })
  return transaction
}

/** Has a protest paid whose window is over. */
export async function settleProtest(components: SendingComponents, { parties }: StoredChannel): Promise<Wei> {
  const { chain, identity, sender } = components
  await sender.settleEarlier()
  const { receipt } = await sender.send(
    chain.channels.settleProtest.populateTransaction(parties, identity.address),
  )
  const payments = readPayments(chain, receipt.logs, identity.address)
  await recordPayments(components, payments)
  return wei(payments.reduce((sum, { kind, amount }) => (kind === 'draw' ? sum + amount : sum), 0n))
}
