import { type Address, feeOn, money } from '@pontage/shared'
import { type Emitted, emitted } from './contracts.js'
import { idOf } from './state.js'

/** What the contracts say of an operation, read off what it changed. */
export function eventsOf(before: money.Money, after: money.Money, operation: money.Operation): Emitted[] {
  return [
    ...channelEvents(before, after, operation),
    ...tabEvents(before, after),
    ...accountEvents(before, after),
    ...hubEvents(before, after, operation),
    ...identityEvents(before, after),
  ]
}

const say = (name: string, ...values: unknown[]): Emitted => emitted('channels', name, values)

function channelEvents(before: money.Money, after: money.Money, operation: money.Operation): Emitted[] {
  const found: Emitted[] = []
  for (const [key, channel] of after.channels) {
    const was = before.channels.get(key)
    if (was === channel) continue
    const id = idOf(channel.parties)
    const { consumer, hub, nonce } = channel.parties
    if (!was) found.push(say('ChannelOpened', id, consumer, hub, nonce, channel.balance))
    else if (operation.do === 'deposit')
      found.push(say('Deposited', id, operation.by, operation.amount, channel.balance))
    if (was && was.exitAt !== channel.exitAt)
      found.push(
        say('ExitRequested', id, channel.exitAt, channel.relay?.relayer ?? zero, channel.relay?.fee ?? 0n),
      )
    if (was?.open && !channel.open)
      found.push(say(operation.do === 'conclude' ? 'ChannelConcluded' : 'ChannelExited', id, was.balance))
  }
  return found
}

const zero = `0x${'00'.repeat(20)}`

function tabEvents(before: money.Money, after: money.Money): Emitted[] {
  const found: Emitted[] = []
  for (const [key, tabs] of after.tabs) {
    if (before.tabs.get(key) === tabs) continue
    const [consumer, hub, nonce] = key.split('/') as [Address, Address, string]
    const parties = { consumer, hub, nonce: Number(nonce) }
    const id = idOf(parties)
    for (const [provider, tab] of tabs) {
      const was = money.tabOf(before, parties, provider)
      if (was === tab) continue
      if (tab.drawn > was.drawn) {
        const bps = money.feeOf(after, hub)
        const fee = feeOn(tab.drawn, bps) - feeOn(was.drawn, bps)
        found.push(say('Drawn', id, provider, tab.drawn - was.drawn, fee, tab.drawn))
      }
      if (tab.releasedUpTo > was.releasedUpTo)
        found.push(say('GuaranteesReleased', id, provider, tab.drawn, tab.releasedUpTo))
      if (tab.protested > was.protested)
        found.push(say('ProtestOpened', id, provider, tab.protested, tab.protestEndsAt))
      if (was.protestEndsAt > 0 && tab.protestEndsAt === 0) found.push(say('ProtestClosed', id, provider))
      const missing = [
        [consumer, money.missingByConsumer(was), money.missingByConsumer(tab)],
        [hub, money.missingByHub(was), money.missingByHub(tab)],
      ] as const
      for (const [debtor, earlier, now] of missing)
        if (earlier !== now) found.push(say('MissingSet', debtor, id, provider, now))
    }
  }
  return found
}

function accountEvents(before: money.Money, after: money.Money): Emitted[] {
  const found: Emitted[] = []
  for (const [hub, accounts] of after.accounts)
    for (const [provider, account] of accounts) {
      const was = money.accountOf(before, hub, provider)
      if (account.paid > was.paid) {
        const to = money.identityOf(after, provider).beneficiary ?? provider
        found.push(say('Redeemed', hub, provider, to, account.paid - was.paid, account.paid))
      }
      if (money.missingOf(was) !== money.missingOf(account))
        found.push(say('MissingSet', hub, `0x${'00'.repeat(32)}`, provider, money.missingOf(account)))
    }
  return found
}

function hubEvents(before: money.Money, after: money.Money, operation: money.Operation): Emitted[] {
  const found: Emitted[] = []
  if (operation.do === 'fund')
    found.push(
      say(
        'PoolFunded',
        operation.hub,
        operation.by,
        operation.amount,
        money.hubOf(after, operation.hub).pool,
      ),
    )
  for (const [hub, known] of after.hubs) {
    const was = money.hubOf(before, hub)
    if (operation.do === 'requestWithdrawal' && operation.by === hub)
      found.push(say('WithdrawalRequested', hub, known.pendingWithdrawal, known.withdrawableAt))
    if (operation.do === 'withdraw' && operation.by === hub)
      found.push(say('PoolWithdrawn', hub, hub, was.pool - known.pool, known.pool))
  }
  if (operation.do === 'announceFee')
    found.push(
      say(
        'FeeAnnounced',
        operation.by,
        operation.feeBps,
        money.hubOf(after, operation.by).raise?.at ?? after.now,
      ),
    )
  return found
}

function identityEvents(before: money.Money, after: money.Money): Emitted[] {
  const found: Emitted[] = []
  const tell = (name: string, ...values: unknown[]) => found.push(emitted('registry', name, values))
  for (const [identity, known] of after.identities) {
    const was = money.identityOf(before, identity)
    if (was === known) continue
    if (known.roles !== was.roles)
      tell('Registered', identity, known.roles, known.beneficiary ?? identity, '')
    if (known.stake > was.stake) tell('StakeAdded', identity, known.stake - was.stake, known.stake)
    if (known.faults !== was.faults) tell('Slashed', identity, zero, 0n, 0n, known.faults)
  }
  return found
}
