import { type Address, type Hex, type Params, type Result, refuse, type Verdict, wei } from '@pontage/shared'
import { type Link, type SumTree, sumTree } from '@pontage/shared/node'
import type { Publication } from '../../io/ledger.js'
import { pause } from '../../io/pause.js'
import type { Components } from '../components.js'

/** Says in public what the hub owes, and proves each provider that it is counted in. */
export interface Publisher {
  /** Publishes what is owed now and anchors it on chain. @returns Undefined while nobody was ever promised anything. */
  publish(): Promise<Publication | undefined>
  /** Publishes whenever the last time is `everySeconds` ago, until the signal; 0 never does. */
  run(everySeconds: number, signal: AbortSignal): Promise<void>
  /** One provider's leaf, of the newest publication or of the one named, which must be one of the newest. */
  liability(params: Params<'liability'>, link?: Link): Promise<Verdict<{ value: Result<'liability'> }>>
  /** The newest publication; undefined where there is none. */
  newest(): Promise<Publication | undefined>
  /** A whole publication. */
  whole(of?: PublicationId): Promise<Verdict<{ publication: Publication }>>
}

interface Shown {
  readonly publication: Publication
  readonly tree: SumTree
}

interface PublicationId {
  readonly root: Hex
  readonly blockNumber: number
}

/** Before the first look: providers that come back after a restart show what an older ledger would leave out. */
const patienceMs = 60_000
/** How often the schedule is looked at, at least. */
const lookEveryMs = 5_000
/** Publications whose trees are kept, made: leaves are shown of these, the newest. Each is read and built once. */
const treesKept = 4

/** @param judgeLedger - Refuses while the ledger may lack what left the hub: what it then published would be too little. */
export function createPublisher(components: Components, judgeLedger: () => Promise<Verdict>): Publisher {
  const { ledger, chain, identity, typedData, sender, rules, clock, log } = components
  const known = new Map<string, Promise<Shown | undefined>>()
  /** Whether providers wait for one that tells all again. */
  let isAwaited = false

  /** One of the newest, from memory where it is there: thousands of providers ask for one leaf each of the same. */
  async function read(of?: PublicationId): Promise<Shown | undefined> {
    const newest = await ledger.newestPublications(treesKept)
    const id = of ? newest.find((each) => keyOf(each) === keyOf(of)) : newest[0]
    if (id === undefined) return undefined
    const key = keyOf(id)
    const shown = known.get(key) ?? build(id)
    known.set(key, shown)
    for (const each of known.keys()) if (!newest.some((one) => keyOf(one) === each)) known.delete(each)
    shown.catch(() => known.delete(key))
    return shown
  }

  async function build(id: PublicationId): Promise<Shown | undefined> {
    const publication = await ledger.publication(id)
    return publication && { publication, tree: sumTree(publication.leaves) }
  }

  async function publish(): Promise<Publication | undefined> {
    const { cursor, accounts, standing } = await consistent(components)
    if (!cursor || accounts.length === 0) return undefined
    const tree = sumTree(rules.liabilities(accounts))
    const { root, sum, leaves } = tree
    const publication: Publication = {
      liabilities: typedData.signed(
        'Liabilities',
        { hub: identity.address, root, sum, pool: standing.balance, blockNumber: cursor.number },
        identity.privateKey,
      ),
      leaves,
      publishedAt: clock.now(),
    }
    // First on disk: who sees the root on chain may ask for a leaf at once.
    await ledger.recordPublication(publication)
    const { pool, blockNumber } = publication.liabilities
    const { transaction } = await sender.send(
      chain.channels.anchorLiabilities.populateTransaction(root, sum, pool, blockNumber),
      `0x${typedData.digest('Liabilities', publication.liabilities).toString('hex')}`,
    )
    log.info('liabilities published', { root, sum, pool, blockNumber, providers: leaves.length, transaction })
    return publication
  }

  async function whenDue(everySeconds: number): Promise<void> {
    if (!(await ledger.leads())) return
    const complete = await judgeLedger()
    if (!complete.ok) {
      isAwaited = true
      return
    }
    const last = await read()
    if (!isAwaited && last && clock.now() - last.publication.publishedAt < everySeconds) return
    await publish()
    isAwaited = false
  }

  async function found<Found>(
    what: Found | undefined,
    of?: PublicationId,
  ): Promise<Verdict<{ found: Found }>> {
    if (what) return { ok: true, found: what }
    // What it once published may be among what it forgot.
    const complete = await judgeLedger()
    return complete.ok ? refuse({ code: 'unknown-publication', root: of?.root ?? 'newest' }) : complete
  }

  return {
    publish,
    newest: async () => (await read())?.publication,
    async whole(of) {
      const shown = await read(of)
      const whole = await found(shown?.publication ?? (of && (await ledger.publication(of))), of)
      return whole.ok ? { ok: true, publication: whole.found } : whole
    },
    async run(everySeconds, signal) {
      if (everySeconds === 0) return
      await pause(Math.min(patienceMs, everySeconds * 1_000), signal)
      for (; !signal.aborted; await pause(Math.min(lookEveryMs, everySeconds * 500), signal)) {
        await whenDue(everySeconds).catch((error: Error) =>
          log.error('liabilities not published', { reason: error.message.slice(0, 200) }),
        )
      }
    },
    async liability({ provider, root, blockNumber }, link) {
      const of = root !== undefined && blockNumber !== undefined ? { root, blockNumber } : undefined
      const shown = await found(await read(of), of)
      if (!shown.ok) return shown
      const { publication, tree } = shown.found
      const { liabilities } = publication
      const asked: Address | undefined = provider ?? link?.peer
      const proof = asked === undefined ? undefined : tree.proofOf(asked)
      const path = proof?.path.map(({ hash, sum }) => ({ hash, sum: wei(sum) }))
      return { ok: true, value: { liabilities, proof: proof && path ? { ...proof, path } : null } }
    },
  }
}

const keyOf = ({ root, blockNumber }: PublicationId): string => `${root} ${blockNumber}`

/** What the ledger says at one block: read until no block came in between. */
async function consistent({ ledger }: Components) {
  for (;;) {
    const cursor = await ledger.cursor()
    const [accounts, standing] = await Promise.all([ledger.accounts(), ledger.standing()])
    const after = await ledger.cursor()
    if (cursor?.hash === after?.hash) return { cursor, accounts, standing }
  }
}
