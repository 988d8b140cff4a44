import { explain } from '@pontage/shared'
import type { HttpAnswer } from '../../io/link/httpRoutes.js'
import type { Components } from '../components.js'
import { chainSeen } from '../fresh.js'

/** Whether the process works: it answers, and its ledger does. Where it does not, a restart may help. */
export async function health({ ledger }: Components): Promise<HttpAnswer> {
  const broken = await ledgerFailure(ledger)
  return broken === undefined
    ? { status: 200, body: { healthy: true } }
    : { status: 503, body: { healthy: false, reasons: [broken] } }
}

/** Whether requests are to be sent here now. */
export async function readiness(components: Components, draining: boolean): Promise<HttpAnswer> {
  const seen = chainSeen(components)
  const broken = (await ledgerFailure(components.ledger)) ?? (await writeFailure(components.ledger))
  const reasons = [
    ...(draining ? ['The hub is shutting down.'] : []),
    ...(seen.ok ? [] : [explain(seen.refusal)]),
    ...(broken === undefined ? [] : [broken]),
  ]
  const body = { ready: reasons.length === 0, reasons, hub: components.identity.address }
  return { status: reasons.length === 0 ? 200 : 503, body }
}

async function writeFailure(ledger: Components['ledger']): Promise<string | undefined> {
  const reason = await ledger.writable()
  return reason === undefined ? undefined : `The ledger cannot be written: ${reason}.`
}

async function ledgerFailure(ledger: Components['ledger']): Promise<string | undefined> {
  try {
    await ledger.standing()
    return undefined
  } catch (error) {
    return `The ledger does not answer: ${(error as Error).message}`
  }
}
