import {
  type Address,
  type Clock,
  type Hex,
  isActive,
  type Params,
  printable,
  type Result,
  refuse,
  type Verdict,
} from '@pontage/shared'
import { type Chain, noCertificate, readStanding } from '@pontage/shared/node'
import type { ProposalIndex } from '../../io/chain/proposalIndex.js'
import { greetWireguard } from '../../io/link/greetWireguard.js'
import { readCertificate } from '../../io/link/readCertificate.js'

/** Seconds between two tries for one provider, and how many providers are tried at once. */
const againAfterSeconds = 10
const atOnce = 4
/** Times are forgotten beyond this many: who asks is registered and so costs a stake. */
const remembered = 10_000

/**
 * Answers `reach`: whether a provider can be reached from here. Only who has a provider's stake is answered, and rarely,
 * so that nobody can send the hub to connect where he likes; nothing among the hub's own neighbours is connected to.
 */
export function createReach(
  index: Pick<ProposalIndex, 'listing'>,
  chain: Pick<Chain, 'registry'>,
  clock: Clock,
): (provider: Address, asked: Params<'reach'>) => Promise<Verdict<{ value: Result<'reach'> }>> {
  const triedAt = new Map<Address, number>()
  let inFlight = 0

  return async (provider, { endpoint: named, certificate, wireguard }) => {
    const offer = index.listing()?.entries.find((entry) => entry.proposal.provider === provider)?.proposal
    const endpoint = named ?? offer?.endpoint
    if (
      endpoint === undefined ||
      (offer === undefined && !isActive(await readStanding(chain, provider), 'provider'))
    )
      return refuse({ code: 'not-registered', identity: provider, role: 'provider' })
    const now = clock.now()
    if (inFlight >= atOnce || now - (triedAt.get(provider) ?? 0) < againAfterSeconds)
      return refuse({ code: 'too-many-requests', perSecond: 1 / againAfterSeconds })
    if (triedAt.size >= remembered) triedAt.clear()
    triedAt.set(provider, now)
    inFlight += 1
    try {
      const problem = await tryEndpoint(endpoint, certificate ?? offer?.certificate, wireguard)
      return { ok: true, value: { endpoint: printable(endpoint), problem: printable(problem) } }
    } finally {
      inFlight -= 1
    }
  }
}

/** @returns What keeps consumers from it; empty when nothing does. */
async function tryEndpoint(
  endpoint: string,
  certificate: Hex | undefined,
  wireguard: Params<'reach'>['wireguard'],
): Promise<string> {
  const seen = await readCertificate(endpoint)
  if (!seen.ok) return `No TLS connection to ${endpoint} from the hub: ${seen.reason}.`
  // A provider whose certificate is renewed names none.
  if (certificate !== undefined && certificate !== noCertificate && seen.fingerprint !== certificate)
    return `${endpoint} presents the certificate ${seen.fingerprint}, but the offer says ${certificate}.`
  if (wireguard === undefined) return ''
  const [key, peer] = [wireguard.greeter, wireguard.publicKey].map((hex) => Buffer.from(hex.slice(2), 'hex'))
  if (key === undefined || peer === undefined) return ''
  const silent = await greetWireguard(seen.address, wireguard.port, key, peer)
  return silent === undefined
    ? ''
    : `No answer from WireGuard on UDP ${wireguard.port} of ${seen.address} to the hub: ${silent}.`
}
