import { type Address, type Clock, printable, type Result, refuse, type Verdict } from '@pontage/shared'
import type { ProposalIndex } from '../../io/chain/proposalIndex.js'
import { readCertificate } from '../../io/link/readCertificate.js'

/** Seconds between two tries for one provider, and how many providers are tried at once. */
const againAfterSeconds = 10
const atOnce = 4
/** Times are forgotten beyond this many: who asks is registered and so costs a stake. */
const remembered = 10_000

/**
 * Answers `reach`: whether a provider can be reached from here. Only the endpoint in its own offer on chain is tried,
 * and rarely, so that nobody can send the hub to connect where he likes.
 */
export function createReach(
  index: Pick<ProposalIndex, 'listing'>,
  clock: Clock,
): (provider: Address) => Promise<Verdict<{ value: Result<'reach'> }>> {
  const triedAt = new Map<Address, number>()
  let inFlight = 0

  return async (provider) => {
    const proposal = index.listing()?.entries.find((entry) => entry.proposal.provider === provider)?.proposal
    if (proposal === undefined)
      return refuse({ code: 'not-registered', identity: provider, role: 'provider' })
    const { endpoint } = proposal
    const now = clock.now()
    if (inFlight >= atOnce || now - (triedAt.get(provider) ?? 0) < againAfterSeconds)
      return refuse({ code: 'too-many-requests', perSecond: 1 / againAfterSeconds })
    if (triedAt.size >= remembered) triedAt.clear()
    triedAt.set(provider, now)
    inFlight += 1
    try {
      const seen = await readCertificate(endpoint)
      const problem = !seen.ok
        ? `No TLS connection to ${endpoint} from the hub: ${seen.reason}.`
        : seen.fingerprint === proposal.certificate
          ? ''
          : `${endpoint} presents the certificate ${seen.fingerprint}, but the offer says ${proposal.certificate}.`
      return { ok: true, value: { endpoint: printable(endpoint), problem: printable(problem) } }
    } finally {
      inFlight -= 1
    }
  }
}
