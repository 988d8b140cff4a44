import { explain, printable } from '@pontage/shared'
import type { HubLink } from '../../io/link/hubLink.js'

/** What one hub found when it tried our endpoint. */
export interface Reached {
  readonly hub: string
  readonly endpoint: string
  /** Undefined when it was reached. */
  readonly problem: string | undefined
}

/** Asks our hubs to try the endpoint of our offer, from outside. */
export const tryReach = (hubs: Iterable<HubLink>): Promise<Reached[]> =>
  Promise.all(
    [...hubs].map(async (link) => {
      const answer = await link.request('reach', {})
      if (!answer.ok) return { hub: link.hub, endpoint: '', problem: `Not tried: ${explain(answer.refusal)}` }
      const { endpoint, problem } = answer.value
      return {
        hub: link.hub,
        endpoint: printable(endpoint),
        problem: problem === '' ? undefined : printable(problem),
      }
    }),
  )
