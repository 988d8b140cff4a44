import { setTimeout as delay } from 'node:timers/promises'
import { type Address, explain, type Hex, type Result } from '@pontage/shared'
import { type Handlers, type Link, UserError } from '@pontage/shared/node'
import { urlOf } from '../io/endpoint.js'
import { type Context, link } from './context.js'

/** The provider's door inside the tunnel. */
export interface InnerDoor {
  readonly provider: Address
  readonly certificate: Hex
  readonly session: string
  readonly tunnel: Pick<Result<'open'>['tunnel'], 'gateway4' | 'paymentPort'>
}

const attemptTimeoutMs = 5_000
const pauseMs = 500

/**
 * Connects to the provider inside the tunnel and says which session this is; tries again until `patienceMs`
 * are over, since the first packets of a tunnel may be lost.
 *
 * @throws UserError with the last refusal's sentence.
 */
export async function attach(
  context: Context,
  door: InnerDoor,
  options: { handlers: Handlers; patienceMs: number; signal?: AbortSignal },
): Promise<Link> {
  const { provider, certificate, session, tunnel } = door
  const giveUpAt = context.clock.elapsedMs() + options.patienceMs
  for (;;) {
    const verdict = await link(context, {
      url: urlOf(tunnel.gateway4, tunnel.paymentPort),
      expectPeer: provider,
      expectCertificate: certificate,
      handlers: options.handlers,
      timeoutMs: attemptTimeoutMs,
    })
    const attached = verdict.ok ? await verdict.link.request('attach', { session }) : verdict
    if (verdict.ok && attached.ok) return verdict.link
    if (verdict.ok) verdict.link.close()
    const refused = attached.ok ? undefined : attached.refusal
    const isFinal = verdict.ok && refused?.code === 'peer-refused'
    if (isFinal || options.signal?.aborted || context.clock.elapsedMs() > giveUpAt)
      throw new UserError(refused ? explain(refused) : 'The provider cannot be reached through the tunnel.', {
        cause: refused,
      })
    await delay(pauseMs)
  }
}
