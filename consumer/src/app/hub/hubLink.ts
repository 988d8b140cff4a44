import { type Address, type Result, type Wei, wei } from '@pontage/shared'
import { type Link, UserError } from '@pontage/shared/node'
import { whyHubUnsound } from '../../core/hubs.js'
import { standingsAs } from '../../io/chain/discovery.js'
import { readConnection } from '../../io/home/connectionFile.js'
import { type Context, link, unwrap } from '../context.js'

/** A hub that proved to be itself, and what it asks. */
export interface Hub {
  readonly link: Link
  readonly description: Result<'describe'>
}

/**
 * Connects to a hub at the address that the registry names.
 *
 * @param options.mustBeSound - Refuses a hub with a fault or a debt; one that is only to close a channel may have them.
 * @throws UserError when it is unknown, unsound, or out of reach.
 */
export async function connectHub(
  context: Context,
  hub: Address,
  options: { mustBeSound: boolean },
): Promise<Hub> {
  const [standing] = await standingsAs(context.chain, [hub], 'hub')
  if (!standing || standing.url === '')
    throw new UserError(`${hub} is not registered as a hub on this chain. Check --hub, or choose another.`)
  const problem = whyHubUnsound(standing)
  if (options.mustBeSound && problem !== undefined)
    throw new UserError(`Hub ${hub} is not trusted: ${problem}. Choose another hub.`)
  const verdict = await link(context, { url: standing.url, expectPeer: hub })
  if (!verdict.ok && (await readConnection(context.home)) !== undefined)
    throw new UserError(
      `The hub at ${standing.url} cannot be reached: the kill switch is on. Run "pontage disconnect" first.`,
    )
  const connected = unwrap(verdict).link
  const description = unwrap(await connected.request('describe', {})).value
  const { chainId, channels } = context.chain.deployment
  if (description.chainId !== chainId || description.channels !== channels) {
    connected.close()
    throw new UserError(
      `Hub ${hub} works with the contracts of another deployment (chain ${description.chainId}, ${description.channels}). Choose another hub, or check --deployment.`,
    )
  }
  return { link: connected, description }
}

/** @throws UserError when a hub asks more than allowed. */
export function acceptableFee(kind: string, fee: Wei, limit: Wei, shown: (amount: Wei) => string): Wei {
  if (fee > limit)
    throw new UserError(
      `The hub charges ${shown(fee)} for sending the ${kind}, above your limit of ${shown(limit)}. Raise --max-relay-fee, or choose another hub.`,
    )
  return wei(fee)
}
