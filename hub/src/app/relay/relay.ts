import { createHmac } from 'node:crypto'
import {
  type Address,
  address,
  channelIdOf,
  type DocumentName,
  type Hex,
  judgeParty,
  larger,
  type Params,
  refuse,
  type Signed,
  type Verdict,
  type Wei,
  wei,
} from '@pontage/shared'
import {
  Buckets,
  keccak256,
  type Link,
  networkOf,
  permitArguments,
  readChannel,
  type Sent,
} from '@pontage/shared/node'
import type { TransactionRequest } from 'ethers'
import type { ChannelLine } from '../../core/channelLine.js'
import type { Components } from '../components.js'
import { findChannel, judgeService } from '../fresh.js'
import { gasCost } from '../gasCost.js'
import { whyNotSent } from '../whyNotSent.js'
import { finishGas } from './relayPrice.js'

/** What ending a channel needs of the room that draws, which in turn asks here what gas costs. */
interface BeforeFinish {
  /** Draws everything from one channel, before others are paid from it. @throws Error when it fails */
  drawFrom(channelId: Hex): Promise<readonly unknown[]>
}

const secondsPerDay = 86_400

/** Transactions that the chain would refuse, from one network address: each was an estimate for nothing. */
const failures = { atOnce: 20, perSecond: 1 / 10 }

type Relayed = Verdict<{ value: { transaction: Hex } }>

/** Sends transactions for identities without gas, for the fee that they signed. */
export interface Relayer {
  register(params: Params<'relay-register'>, link: Link): Promise<Relayed>
  open(params: Params<'relay-open'>, link: Link): Promise<Relayed>
  exit(params: Params<'relay-exit'>, link: Link): Promise<Relayed>
  finish(params: Params<'relay-finish'>, link: Link): Promise<Relayed>
  deposit(params: Params<'relay-deposit'>, link: Link): Promise<Relayed>
  repay(params: Params<'relay-repay'>, link: Link): Promise<Relayed>
  unbond(params: Params<'relay-unbond'>, link: Link): Promise<Relayed>
  withdraw(params: Params<'relay-withdraw'>, link: Link): Promise<Relayed>
  collect(params: Params<'relay-collect'>, link: Link): Promise<Relayed>
}

type Kind = keyof Relayer

/** What ties nobody to this hub is sent for everybody, also by a hub that leaves. */
const tying: readonly Kind[] = ['register', 'open', 'deposit']

/** One document to be relayed. */
interface RelayJob {
  readonly kind: Kind
  readonly identity: Address
  readonly digest: Hex
  readonly fee: Wei
  /** The least that is taken, whatever gas costs; what the operator set when left out. */
  readonly leastFee?: Wei
  /** The network that whoever asks is counted by. */
  readonly from: string
  /** Whether it may be sent, where more than its document decides. */
  readonly judge?: () => Promise<Verdict>
  /** Gas of what has to be sent later for the same fee. */
  readonly laterGas?: bigint
  /** What it is remembered by besides its digest, once it was sent. */
  readonly alsoKnownAs?: Hex
  readonly call: () => Promise<TransactionRequest>
}

export function createRelayer(components: Components, drawScheduler: BeforeFinish): Relayer {
  const { chain, identity, typedData } = components
  const { registry, channels } = chain
  const running = new Map<Hex, Promise<Relayed>>()
  const failed = new Buckets(failures.perSecond, () => components.clock.elapsedMs(), failures.atOnce)

  /** The same document twice is one job, whether it is still under way or done. */
  const once = (job: Omit<RelayJob, 'from'>, link: Link): Promise<Relayed> => {
    const already = running.get(job.digest)
    if (already) return already
    const outcome = relay(components, failed, {
      ...job,
      from: networkOf(hostOf(link.remoteAddress)),
    }).finally(() => running.delete(job.digest))
    running.set(job.digest, outcome)
    return outcome
  }

  /** A document that carries its fee, and pays it in the same transaction. */
  const relaySigned = async <Name extends DocumentName>(
    kind: Kind,
    name: Name,
    signed: Signed<Name> & { readonly relayFee: Wei },
    signer: Address,
    link: Link,
    call: (document: Omit<Signed<Name>, 'signature'>, signature: Hex) => Promise<TransactionRequest>,
  ): Promise<Relayed> => {
    const checked = typedData.check(name, signed, signer)
    if (!checked.ok) return checked
    const { signature, ...document } = signed
    const digest = hex(typedData.digest(name, signed))
    const fee = signed.relayFee
    return once({ kind, identity: signer, digest, fee, call: () => call(document, signature) }, link)
  }

  return {
    register: ({ registration, permit }, link) =>
      relaySigned(
        'register',
        'Registration',
        registration,
        registration.identity,
        link,
        (document, signature) =>
          registry.registerFor.populateTransaction(document, permitArguments(permit), signature),
      ),
    async open({ opening, permit }, link) {
      const ours = judgeParty(opening.hub, identity.address)
      if (!ours.ok) return ours
      return relaySigned('open', 'Opening', opening, opening.consumer, link, (document, signature) =>
        channels.openFor.populateTransaction(document, permitArguments(permit), signature),
      )
    },
    deposit: ({ deposit, permit }, link) =>
      relaySigned('deposit', 'Deposit', deposit, deposit.consumer, link, (document, signature) =>
        registry.depositFor.populateTransaction(document, permitArguments(permit), signature),
      ),
    repay: ({ repayment, permit }, link) =>
      relaySigned('repay', 'Repayment', repayment, repayment.consumer, link, (document, signature) =>
        registry.repayFor.populateTransaction(document, permitArguments(permit), signature),
      ),
    unbond: ({ unbonding, permit }, link) =>
      relaySigned('unbond', 'Unbonding', unbonding, unbonding.identity, link, (document, signature) =>
        registry.requestUnbondingFor.populateTransaction(document, permitArguments(permit), signature),
      ),
    withdraw: ({ withdrawal }, link) =>
      relaySigned(
        'withdraw',
        'StakeWithdrawal',
        withdrawal,
        withdrawal.identity,
        link,
        (document, signature) => registry.withdrawStakeFor.populateTransaction(document, signature),
      ),
    collect: ({ collection }, link) =>
      relaySigned('collect', 'Collection', collection, collection.owner, link, (document, signature) =>
        channels.collectWithheld.populateTransaction(
          document.owner,
          document.to,
          document.relayFee,
          document.deadline,
          signature,
        ),
      ),
    async exit({ channel, exit }, link) {
      const { channelId, relayFee, deadline, signature } = exit
      if (channelIdOf(chain.deployment, channel) !== channelId)
        return refuse({ code: 'unknown-channel', channelId })
      const checked = typedData.check('ExitRequest', exit, channel.consumer)
      if (!checked.ok) return checked
      const found = await leftIn(components, channel, channelId)
      if (!found.ok) return found
      const { left } = found
      // The fee is paid last: where the rest does not hold it, it would never come.
      if (left < relayFee)
        return refuse({ code: 'insufficient-collateral', ceiling: relayFee, available: left })
      const given = [channel, relayFee, deadline, signature] as const
      return once(
        {
          kind: 'exit',
          identity: channel.consumer,
          digest: hex(typedData.digest('ExitRequest', exit)),
          fee: relayFee,
          laterGas: finishGas,
          alsoKnownAs: exitOf(channelId),
          call: () => channels.requestExitFor.populateTransaction(...given),
        },
        link,
      )
    },
    async finish({ channel, protesters }, link) {
      const channelId = channelIdOf(chain.deployment, channel)
      const given = [channel, protesters] as const
      return once(
        {
          kind: 'finish',
          identity: channel.consumer,
          // No document asks for it: a channel ends once.
          digest: hex(keccak256(Buffer.from(channelId.slice(2), 'hex'))),
          // Asked for when the exit was relayed, which is long ago: what is asked for today was not signed then.
          fee: await feeOfExit(components, channelId),
          leastFee: wei(0n),
          judge: () => judgeFinish(components, drawScheduler, { channel, protesters }, channelId),
          call: () => channels.exit.populateTransaction(...given),
        },
        link,
      )
    },
  }
}

async function relay(components: Components, failed: Buckets, job: RelayJob): Promise<Relayed> {
  const { ledger, sender, chain, identity, settings, clock, log } = components
  const { leastFee = settings.relayFee } = job
  const served = tying.includes(job.kind)
    ? await judgeService(components, [job.identity])
    : ({ ok: true } as const)
  const done = await ledger.relayed(job.digest)
  if (done) return { ok: true, value: { transaction: done.transaction } }
  // A crash may have come between sending and remembering: then it was judged before, and is only waited for.
  const known = await ledger.outbox.find(job.digest)
  const isUnderWay = known !== undefined && known.state !== 'refused'
  if (!isUnderWay && !served.ok) return served
  if (job.fee < leastFee && !isUnderWay)
    return refuse({ code: 'relay-fee-too-low', fee: job.fee, quoted: leastFee })
  if (!isUnderWay && !failed.has(job.from))
    return refuse({ code: 'too-many-requests', perSecond: failures.perSecond })
  let sent: Sent
  try {
    const call = await job.call()
    if (!isUnderWay) {
      const judged = (await job.judge?.()) ?? { ok: true }
      if (!judged.ok) return judged
      const gas = await chain.rpc.estimateGas({ ...call, from: identity.address })
      const cost = (await gasCost(components))(gas + (job.laterGas ?? 0n))
      if (job.fee < cost) return refuse({ code: 'relay-fee-too-low', fee: job.fee, quoted: cost })
      const counted = await count(components, job)
      if (!counted.ok) return counted
    }
    sent = await sender.send(call, job.digest)
  } catch (error) {
    const reason = whyNotSent(chain, error)
    failed.take(job.from)
    log.warn('relay failed', { kind: job.kind, identity: job.identity, reason })
    return refuse({ code: 'relay-failed', reason })
  }
  for (const digest of [job.digest, ...(job.alsoKnownAs ? [job.alsoKnownAs] : [])])
    await ledger.recordRelayed({
      digest,
      identity: job.identity,
      transaction: sent.transaction,
      at: clock.now(),
    })
  log.info('relayed', {
    kind: job.kind,
    identity: job.identity,
    fee: job.fee,
    transaction: sent.transaction,
    gasUsed: sent.gasUsed,
  })
  return { ok: true, value: { transaction: sent.transaction } }
}

/** Counts a job that would be sent now, unless it is one too many. */
function count({ ledger, settings, identity: hub, clock }: Components, job: RelayJob): Promise<Verdict> {
  const { relaysPerDay, relaysPerDayPerAddress = Number.POSITIVE_INFINITY, relaysPerDayInAll } = settings
  const { digest, identity, from } = job
  const at = clock.now()
  // The ledger is not to tell who came from where: without the hub's key, nobody can try addresses.
  const origin: Hex = `0x${createHmac('sha256', hub.privateKey.bytes())
    .update(`relay from ${from}`)
    .digest('hex')}`
  return ledger.countRelayJob({
    ...{ digest, identity, origin, at, since: at - secondsPerDay },
    decide({ ofIdentity, ofOrigin, inAll, underWay }) {
      if (underWay > 0) return refuse({ code: 'relay-under-way', identity })
      const reached = [
        [ofIdentity, relaysPerDay],
        [ofOrigin, relaysPerDayPerAddress],
        [inAll, relaysPerDayInAll],
      ].find(([some = 0, most = 0]) => some >= most)
      return reached ? refuse({ code: 'relay-limit', perDay: Number(reached[1]) }) : { ok: true }
    },
  })
}

/** Whether somebody pays for ending this channel: only who relayed an exit gets the fee that was signed with it. */
async function judgeFinish(
  { chain, identity, ledger, settings }: Components,
  drawScheduler: BeforeFinish,
  { channel, protesters }: Params<'relay-finish'>,
  channelId: Hex,
): Promise<Verdict> {
  if ((await ledger.relayed(exitOf(channelId))) === undefined)
    return refuse({ code: 'exit-not-relayed', channelId })
  // The fee is paid last, so where something comes back it was paid in full. It fails before the exit is due.
  const isPaid = async () =>
    (await chain.channels.exit.staticCall(channel, protesters, { from: identity.address })) > 0n
  const unpaid = refuse({ code: 'relay-fee-too-low', fee: wei(0n), quoted: settings.relayFee })
  if (!(await isPaid())) return unpaid
  if (channel.hub !== identity.address) return { ok: true }
  // From its own channel the hub takes first what it holds: nothing is left behind an exit.
  const drawn = await drawScheduler.drawFrom(channelId)
  return drawn.length === 0 || (await isPaid()) ? { ok: true } : unpaid
}

/** What the chain pays this hub at the end of an exit that it relayed; nothing where it relayed none. */
async function feeOfExit({ chain, ledger, identity, settings }: Components, channelId: Hex): Promise<Wei> {
  const relayed = await ledger.relayed(exitOf(channelId))
  if (!relayed) return wei(0n)
  const receipt = await chain.rpc.getTransactionReceipt(relayed.transaction)
  // A node that forgot it by now: no less was taken at the time.
  if (!receipt) return settings.relayFee
  for (const log of receipt.logs) {
    const event = chain.channels.interface.parseLog(log)
    const isIt = event?.name === 'ExitRequested' && event.args.channelId === channelId
    if (isIt && address(event.args.relayer) === identity.address) return wei(event.args.relayFee)
  }
  return wei(0n)
}

/** What a relayed exit is remembered by: its channel, whichever request for it was signed. */
const exitOf = (channelId: Hex): Hex =>
  hex(keccak256(Buffer.concat([Buffer.from('exit'), Buffer.from(channelId.slice(2), 'hex')])))

/**
 * What a channel will still hold at its end, as far as it is known. A consumer may leave another hub, which may be
 * gone for good, through this one; what was promised there shows on the chain only once it is drawn.
 */
async function leftIn(
  components: Components,
  { hub }: Params<'relay-exit'>['channel'],
  channelId: Hex,
): Promise<Verdict<{ left: Wei }>> {
  if (hub === components.identity.address) {
    const found = await findChannel(components, channelId)
    return found.ok ? { ok: true, left: restOf(found.line) } : found
  }
  const { status, balance } = await readChannel(components.chain, channelId)
  return status === 'open' ? { ok: true, left: balance } : refuse({ code: 'unknown-channel', channelId })
}

/** What is left of a channel's balance once everything known to be owed has been drawn. */
function restOf({ balance, tabs }: ChannelLine): Wei {
  const owed = tabs.reduce((sum, { cleared, protested, drawn }) => {
    const claim = larger(cleared, protested)
    return claim > drawn ? sum + claim - drawn : sum
  }, 0n)
  return wei(balance > owed ? balance - owed : 0n)
}

/** An address without its port. */
const hostOf = (remoteAddress: string): string => remoteAddress.replace(/:\d+$/, '')

const hex = (bytes: Buffer): Hex => `0x${bytes.toString('hex')}`
