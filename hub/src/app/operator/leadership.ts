import { pause } from '../../io/pause.js'
import type { Components } from '../components.js'

/** Seconds without the chain after which another process may write to it instead. */
const standDownAfterSeconds = 30

/** Does something each time this process becomes the one that writes to the chain, until the signal. */
export async function onLead(
  { ledger, watch, log }: Pick<Components, 'ledger' | 'watch' | 'log'>,
  pollMs: number,
  signal: AbortSignal,
  begin: () => void,
): Promise<void> {
  // At the start everything is looked through anyway.
  let led = await ledger.leads().catch(() => false)
  for (; !signal.aborted; await pause(pollMs, signal)) {
    const leads = await ledger.leads().catch(() => false)
    if (leads !== led) log.info(leads ? 'writes to the chain' : 'leaves the chain to another process', {})
    if (leads && !led) begin()
    led = leads
    if (!leads || watch.unseenSeconds() <= standDownAfterSeconds) continue
    ledger.standDown()
  }
}
