import {
  type Chain,
  createSender,
  type Identity,
  type KeyOptions,
  printJson,
  printLines,
  type Sender,
  unlock,
} from '@pontage/shared/node'
import type { TransactionRequest } from 'ethers'

/** What a command that sends one transaction says afterwards. */
export interface Said {
  readonly text: string
  readonly json: object
}

/**
 * Sends one transaction of the hub's, and prints what holds after it.
 *
 * @param prepare - Anything to be sent before, such as an approval.
 */
export async function transact(
  options: KeyOptions & { json: boolean },
  chain: Chain,
  work: {
    prepare?: (identity: Identity, sender: Sender) => Promise<void>
    call: (identity: Identity) => Promise<TransactionRequest>
    said: (identity: Identity) => Promise<Said>
  },
): Promise<void> {
  const identity = await unlock(options)
  const sender = createSender(chain, identity)
  await work.prepare?.(identity, sender)
  const { transaction, gasUsed } = await sender.send(work.call(identity))
  const { text, json } = await work.said(identity)
  if (options.json) printJson({ transaction, gasUsed, ...json })
  else printLines(`${text} (transaction ${transaction}).`)
}
