import type { ContractTransactionReceipt, TransactionRequest, TransactionResponse } from 'ethers'
import { isCallException, Wallet } from 'ethers'
import type { Hex } from '../units.js'
import type { Chain } from './chain.js'
import type { Identity } from './identity.js'
import { UserError } from './userError.js'

/** What a transaction cost and where it stands. */
export interface Sent {
  readonly transaction: Hex
  readonly gasUsed: number
  readonly blockNumber: number
  readonly receipt: ContractTransactionReceipt
}

/** Sends one identity's transactions, one after the other. */
export interface Sender {
  /**
   * Estimates, sends and waits until the transaction is in a block.
   *
   * @param call - What to send, such as `contract.redeem.populateTransaction(…)`.
   * @throws UserError when the chain would revert it (nothing is sent), there is no gas coin, or it reverted.
   */
  send(call: Promise<TransactionRequest> | TransactionRequest): Promise<Sent>
}

/** Gas added to an estimate: state may move between estimate and block. */
const gasMargin = (gas: bigint): bigint => (gas * 13n) / 10n
/** Times a transaction is given another nonce when its own was taken. */
const nonceAttempts = 5
const receiptTimeoutMs = 180_000

export function createSender(chain: Chain, identity: Identity): Sender {
  const wallet = new Wallet(identity.privateKey.hex(), chain.rpc)
  let last: Promise<unknown> = Promise.resolve()

  async function sendNow(call: Promise<TransactionRequest> | TransactionRequest): Promise<Sent> {
    try {
      const request = await call
      const gasLimit = gasMargin(await wallet.estimateGas(request))
      const response = await sendWithFreshNonce(wallet, { ...request, gasLimit })
      const receipt = (await response.wait(1, receiptTimeoutMs)) as ContractTransactionReceipt | null
      if (!receipt) throw new Error(`Transaction ${response.hash} has no receipt.`)
      return {
        transaction: receipt.hash as Hex,
        gasUsed: Number(receipt.gasUsed),
        blockNumber: receipt.blockNumber,
        receipt,
      }
    } catch (error) {
      throw new UserError(reasonOf(chain, error), { cause: error })
    }
  }

  return {
    send(call) {
      const turn = last.then(() => sendNow(call))
      last = turn.catch(() => undefined)
      return turn
    },
  }
}

/** Another program with the same key may take the nonce in between: then nothing was sent, and the next one serves. */
async function sendWithFreshNonce(wallet: Wallet, request: TransactionRequest): Promise<TransactionResponse> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await wallet.sendTransaction(request)
    } catch (error) {
      const { code } = error as { code?: string }
      if ((code !== 'NONCE_EXPIRED' && code !== 'REPLACEMENT_UNDERPRICED') || attempt === nonceAttempts)
        throw error
    }
  }
}

/** Why the chain refuses: the contract's own error with its arguments, as a sentence's end. */
export function reasonOf(chain: Chain, error: unknown): string {
  if (isCallException(error)) {
    const { data } = error
    if (data) {
      for (const contract of [chain.channels, chain.registry, chain.marketplace, chain.token]) {
        const parsed = contract.interface.parseError(data)
        if (!parsed) continue
        const values = parsed.fragment.inputs.map((input, index) => `${input.name} ${parsed.args[index]}`)
        return `The contract refused: ${parsed.name}${values.length > 0 ? ` (${values.join(', ')})` : ''}.`
      }
    }
    return `The chain refused: ${error.reason ?? error.shortMessage}.`
  }
  const code = (error as { code?: string }).code
  if (code === 'INSUFFICIENT_FUNDS')
    return 'The account has too little of the chain’s coin for gas. Send it some.'
  if (code === 'TIMEOUT')
    return 'The transaction is not in a block yet. It may still come; look again before repeating.'
  return error instanceof Error ? error.message : String(error)
}
