import { explain, type Params, type Result, refuse, type Verdict, wei } from '@pontage/shared'
import { judgeReceipt } from '../../core/receipts.js'
import type { Components } from '../components.js'

/**
 * Takes in what consumers signed about their sessions. A receipt proves itself, so whoever brings it need not be who
 * signed it.
 */
export async function receipts(
  components: Components,
  { receipts }: Params<'receipts'>,
): Promise<Verdict<{ value: Result<'receipts'> }>> {
  const { ledger, typedData, clock, log } = components
  const refused: Result<'receipts'>['refused'] = []
  let counted = 0n
  for (const [index, receipt] of receipts.entries()) {
    // Receipts are not urgent: for a channel that nobody knows neither the chain is asked nor a signature looked at.
    const isKnown = (await ledger.channel(receipt.channelId)) !== undefined
    const signer = isKnown ? typedData.recover('SessionReceipt', receipt, receipt.signature) : undefined
    const taken = isKnown
      ? await ledger.recordReceipt({
          receipt,
          decide: (line) => judgeReceipt(line, receipt, signer, clock.now()),
        })
      : refuse({ code: 'unknown-channel', channelId: receipt.channelId })
    if (taken.ok) counted += taken.counted
    else refused.push({ index, code: taken.refusal.code, message: explain(taken.refusal) })
  }
  log.info('receipts taken', { taken: receipts.length - refused.length, refused: refused.length })
  return { ok: true, value: { counted: wei(counted), refused } }
}
