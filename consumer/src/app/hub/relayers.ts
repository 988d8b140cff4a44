import { type Address, address, explain, type Refusal, type Verdict } from '@pontage/shared'
import { type Link, UserError } from '@pontage/shared/node'
import { whyHubUnsound } from '../../core/hubs.js'
import { hubsNamed, standingsAs } from '../../io/chain/discovery.js'
import { type Context, link, unwrap } from '../context.js'
import { connectHub } from './hubLink.js'

/** Who may send a transaction for us: named by its address in the registry, or by a url. */
export type RelayerName = { readonly hub: Address } | { readonly url: string }

/** @throws RangeError when it is neither. */
export const relayerName = (text: string): RelayerName =>
  /^wss?:\/\//.test(text) ? { url: text } : { hub: address(text) }

/**
 * Who is asked to relay: the one named, else the first, the channel’s own hub, then every sound hub that any offer
 * names. Any of them will do: what it is given to send it cannot change, and its fee is in what is signed.
 */
export async function relayersFor(
  context: Context,
  first: Address | undefined,
  named: string | undefined,
): Promise<RelayerName[]> {
  if (named !== undefined) return [relayerName(named)]
  const others = new Set(await hubsNamed(context.home, context.chain, context.typedData))
  if (first !== undefined) others.delete(first)
  const standings = await standingsAs(context.chain, [...others], 'hub')
  const sound = [...others].filter((_hub, index) => {
    const standing = standings[index]
    return standing !== undefined && standing.url !== '' && whyHubUnsound(standing) === undefined
  })
  return [...(first === undefined ? [] : [first]), ...sound].map((hub) => ({ hub }))
}

/**
 * Asks one after the other until one does it; one whose fee has risen since it named it, again.
 *
 * @returns What it did, or undefined when nobody did, with everybody's reason told.
 */
export async function askRelayers<Done extends object>(
  context: Context,
  relayers: readonly RelayerName[],
  ask: (link: Link) => Promise<Verdict<Done>>,
): Promise<{ done: Done; by: Address } | { reasons: readonly string[] }> {
  const reasons: string[] = []
  for (const relayer of relayers) {
    const name = 'hub' in relayer ? relayer.hub : relayer.url
    try {
      const connected = await connectRelayer(context, relayer)
      try {
        const first = await ask(connected)
        const answer = isFeeTooLow(first) ? await ask(connected) : first
        if (answer.ok) return { done: answer, by: connected.peer }
        reasons.push(`${name}: ${explain(answer.refusal as Refusal)}`)
      } finally {
        connected.close()
      }
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      reasons.push(`${name}: ${error.message}`)
    }
  }
  return { reasons }
}

/** Whether gas became dearer between a hub's naming its fee and what was signed for it. */
const isFeeTooLow = (answer: Verdict<object>): boolean =>
  !answer.ok && answer.refusal.code === 'peer-refused' && answer.refusal.peerCode === 'relay-fee-too-low'

const connectRelayer = async (context: Context, relayer: RelayerName): Promise<Link> =>
  'hub' in relayer
    ? (await connectHub(context, relayer.hub, { mustBeSound: false })).link
    : unwrap(await link(context, { url: relayer.url })).link
