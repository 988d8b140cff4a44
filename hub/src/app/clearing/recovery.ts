import {
  type Address,
  countOf,
  type Hex,
  judgeParty,
  type Params,
  type Refused,
  type Result,
  refuse,
  SerialQueue,
  type Verdict,
  wei,
} from '@pontage/shared'
import { inTokens, type Link, UserError } from '@pontage/shared/node'
import { forgotten } from '../../core/solvency.js'
import type { ChainUpdate } from '../../io/ledger.js'
import type { Components } from '../components.js'
import { findChannel } from '../fresh.js'
import { expiryNow } from './guarantee.js'

/** What a hub does whose ledger is older than what had left it. */
export interface Recovery {
  /** Raises what the chain shows to be too low. @throws UserError when the operator has not said what to do about it */
  begin(): Promise<void>
  /** The store went back while the hub ran: from this moment on nothing is promised that it may have forgotten. */
  restart(): void
  /** Looks, after a block, for what the chain paid beyond what the ledger knows; does not make anybody wait. */
  consider(update: ChainUpdate): void
  /** A provider shows what it holds of the hub. */
  recall(params: Params<'recall'>, link: Link): Promise<Verdict<{ value: Result<'recall'> }>>
  /** Whether a total may be signed for this provider: while recovering, only after it presented what it holds. */
  judgeTotal(provider: Address): Verdict
  /** Whether collateral may be promised or given back: not before what was forgotten of it has ended. */
  judgeCollateral(): Promise<Verdict>
  /** Resolves when nothing is being looked for. */
  idle(): Promise<void>
}

/**
 * The note that is kept from the first sign on. `asked`: by the operator, before the hub runs. `went-back`: by the ledger,
 * which found itself on an older store.
 */
type Note = { readonly since: number; readonly until: number } | 'asked' | 'went-back'

export function createRecovery(components: Components): Recovery {
  const { ledger, typedData, identity, chain, peers, stamps, settings, clock, log } = components
  /** Providers that presented their holdings to this process. */
  const presented = new Set<Address>()
  const looks = new SerialQueue()

  /** As it was read last: requests do not read it again. */
  let note: Note | undefined
  /** Before that, blocks change nothing: the operator may have to be asked first. */
  let begun = false

  async function read(): Promise<Note | undefined> {
    const text = await ledger.note('recovering')
    const found = text === undefined ? undefined : (JSON.parse(text) as Note)
    // Another process noticed it first: what providers presented before that may be among what was lost.
    if (begun && typeof found === 'object' && (typeof note !== 'object' || note.since !== found.since))
      forgetPeers()
    // Until it is written how long it lasts, it lasts; and what is asked for beside a running hub is for its next start.
    if (typeof found === 'object' || typeof note !== 'object') note = found
    return found
  }

  function forgetPeers(): void {
    presented.clear()
    peers.dropAll()
  }

  const isOver = async (noted: Note): Promise<boolean> =>
    typeof noted === 'object' && ((await ledger.cursor())?.at ?? 0) > noted.until

  /** When any guarantee that was given before has ended. */
  const lastsUntil = () => clock.now() + settings.guaranteeSeconds

  /**
   * From now on: any guarantee that was forgotten has ended when one given now would have. Once that is over, one that ends later was
   * given since, and forgotten since; any other sign may be of what was forgotten then.
   *
   * @param endsAt - When the last guarantee ends that turned out to be forgotten.
   */
  async function enter(why: string, endsAt = 0): Promise<void> {
    const before = await read()
    if (typeof before === 'object' && endsAt <= before.until) return
    const begins = { since: clock.now(), until: await expiryNow(components) }
    note = begins
    await ledger.writeNote('recovering', JSON.stringify(begins))
    log.error('the ledger is older than what left this hub', {
      why,
      until: begins.until,
      cure: 'If there is a newer ledger, stop the hub and put it back. Otherwise let the hub run: providers show it what they hold.',
    })
  }

  async function learnFromChain(among?: readonly Address[]): Promise<void> {
    for (const { provider, paid, total } of forgotten(await ledger.accounts(among))) {
      await enter(`${provider} was paid ${paid} wei, but the ledger knows of only ${total} wei promised`)
      const raised = await ledger.raiseTotal({ provider, total: paid })
      log.error('a total was raised to what the chain has paid', { provider, total: paid, raised })
    }
  }

  /** Whether all of this is ours, and for this provider. */
  function judgeHoldings(
    provider: Address,
    { hubPromise, guarantees, cleared = [] }: Params<'recall'>,
  ): Verdict {
    if (hubPromise) {
      const named = { hub: identity.address, provider, ...hubPromise }
      const signed = typedData.check('HubPromise', named, identity.address)
      if (!signed.ok) return signed
    }
    for (const guarantee of guarantees) {
      const named = judgeParty(provider, guarantee.provider)
      if (!named.ok) return named
      const signed = typedData.check('Guarantee', guarantee, identity.address)
      if (!signed.ok) return signed
    }
    for (const promise of cleared)
      if (!stamps.isOurs({ ...promise, provider }))
        return refuse({ code: 'wrong-stamp', channelId: promise.channelId, amount: promise.amount })
    return { ok: true }
  }

  return {
    async begin() {
      const known = await read()
      const [first] = forgotten(await ledger.accounts())
      if (first && (known === undefined || (await isOver(known))))
        throw new UserError(
          `The ledger is older than what this hub promised: ${first.provider} was paid ${inTokens(chain, first.paid)}, but the ledger knows of only ${inTokens(chain, first.total)}. Put the newest ledger back; if it is lost, run pontage-hub ledger rebuild, then start the hub again.`,
        )
      if (known === 'asked') await enter('the operator said so')
      else if (known === 'went-back') await enter('the database went back to an older state')
      else if (known) log.warn('the ledger is being rebuilt', known)
      await learnFromChain()
      begun = true
    },
    restart() {
      forgetPeers()
      note = { since: clock.now(), until: lastsUntil() }
      looks
        .run(async () => {
          await enter('the database went back to an older state')
          await learnFromChain()
        })
        .catch((error: Error) => log.error('recovery not begun', { reason: error.message }))
    },
    consider(update) {
      if (!begun) return
      looks
        .run(async () => {
          if ((await read()) === 'went-back') await enter('another process found the database older')
          await learnFromChain(update.accounts.map(({ provider }) => provider))
        })
        .catch((error: Error) => log.error('totals could not be compared', { reason: error.message }))
    },
    async recall(holdings, link) {
      const { hubPromise, guarantees, cleared } = holdings
      const provider = link.peer
      const sound = judgeHoldings(provider, holdings)
      if (!sound.ok) return sound
      if (cleared) peers.noteStamps(link)
      const raised = hubPromise ? await ledger.raiseTotal({ provider, ...hubPromise }) : wei(0n)
      let recalled = 0
      let endsAt = 0
      let missing: Refused | undefined
      for (const guarantee of guarantees) {
        // A ledger that is older than the channel does not know it, but the chain does.
        const found = await findChannel(components, guarantee.channelId)
        // We saw the channel before we signed: while that counts, a node that does not show it has fallen behind.
        const isSeen =
          found.ok || (found.refusal.code !== 'chain-unseen' && guarantee.expiresAt <= clock.now())
        if (!found.ok && !isSeen) missing = found
        if (missing?.refusal.code === 'chain-unseen') break
        const cause: Hex = `0x${typedData.digest('Guarantee', guarantee).toString('hex')}`
        if (!found.ok || !(await ledger.recallGuarantee({ cause, guarantee }))) continue
        recalled++
        endsAt = Math.max(endsAt, guarantee.expiresAt)
      }
      // After the guarantees: what was cleared rests on them, and their channels are known by now.
      const promises = cleared?.length ? await ledger.recallCleared({ provider, promises: cleared }) : 0
      if (raised > 0n || recalled + promises > 0) {
        const more = { raised, guarantees: recalled, promises }
        log.error('holdings show what the ledger had forgotten', { provider, ...more })
        await enter(
          `${provider} holds ${raised} wei, ${countOf(recalled, 'guarantee')} and ${countOf(promises, 'cleared promise')} more than the ledger knows`,
          endsAt,
        )
      }
      // What was not found has to be shown again: until then, nothing is signed for this provider.
      if (missing) return missing
      presented.add(provider)
      return { ok: true, value: { raised, recalled: recalled + promises, isRecovering: note !== undefined } }
    },
    judgeTotal(provider) {
      if (presented.has(provider) || note === undefined) return { ok: true }
      return refuse({ code: 'holdings-expected', provider })
    },
    async judgeCollateral() {
      if (note === undefined || note === 'asked') return { ok: true }
      if (note === 'went-back') return refuse({ code: 'hub-recovering', until: lastsUntil() })
      return (await isOver(note)) ? { ok: true } : refuse({ code: 'hub-recovering', until: note.until })
    },
    idle: () => looks.idle(),
  }
}
