import { explain, type Params, type Result, type Verdict, wei } from '@pontage/shared'
import { judgeReceipt } from '../../core/receipts.js'
import type { Components } from '../components.js'
import { findChannel } from '../fresh.js'

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
    const signer = typedData.recover('SessionReceipt', receipt, receipt.signature)
    const found = await findChannel(components, receipt.channelId)
    const taken = found.ok
      ? await ledger.recordReceipt({
          receipt,
          decide: (line) => judgeReceipt(line, receipt, signer, clock.now()),
        })
      : found
    if (taken.ok) counted += taken.counted
    else refused.push({ index, code: taken.refusal.code, message: explain(taken.refusal) })
  }
  log.info('receipts taken', { taken: receipts.length - refused.length, refused: refused.length })
  return { ok: true, value: { counted: wei(counted), refused } }
}
