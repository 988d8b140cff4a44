import { setTimeout as delay } from 'node:timers/promises'
import { type Address, explain, type Hex } from '@pontage/shared'
import { type Handlers, type Link, pinned, UserError } from '@pontage/shared/node'
import { type Context, link } from '../context.js'

/** Where a provider is spoken to about a session. */
export interface PaymentEndpoint {
  readonly provider: Address
  readonly certificate: Hex
  /** The name of its host, where it has one. */
  readonly hostname?: string
  readonly session: string
  /** The largest packet that came through the tunnel whole. */
  readonly mtu: number
  /** The preferred first: inside the tunnel, where it is the whole machine's, else on the open line. */
  readonly urls: readonly [string, ...string[]]
}

const attemptTimeoutMs = 5_000
const pauseMs = 500
/** The provider is asked this often whether it lives, and gone when it misses once: within 4 seconds. */
const pingEveryMs = 2_000

/**
 * Connects to the provider and says which session this is; tries all its addresses, again and again until
 * `patienceMs` are over, since the first packets of a tunnel may be lost.
 *
 * @throws UserError with the last refusal's sentence.
 */
export async function attach(
  context: Context,
  endpoint: PaymentEndpoint,
  options: { handlers: Handlers; patienceMs: number; signal?: AbortSignal },
): Promise<Link> {
  const { provider, certificate, hostname, session, mtu, urls } = endpoint
  const giveUpAt = context.clock.elapsedMs() + options.patienceMs
  for (let turn = 0; ; turn++) {
    const verdict = await link(context, {
      url: urls[turn % urls.length] ?? urls[0],
      expectPeer: provider,
      ...pinned(certificate),
      ...(hostname === undefined ? {} : { hostname }),
      handlers: options.handlers,
      timeoutMs: attemptTimeoutMs,
      pingEveryMs,
    })
    const attached = verdict.ok ? await verdict.link.request('attach', { session, mtu }) : verdict
    if (verdict.ok && attached.ok) return verdict.link
    if (verdict.ok) verdict.link.close()
    const refused = attached.ok ? undefined : attached.refusal
    const isFinal = verdict.ok && refused?.code === 'peer-refused'
    const isLate = turn + 1 >= urls.length && context.clock.elapsedMs() > giveUpAt
    if (isFinal || options.signal?.aborted || isLate)
      throw new UserError(refused ? explain(refused) : 'The provider cannot be reached through the tunnel.', {
        cause: refused,
      })
    await delay(pauseMs)
  }
}
