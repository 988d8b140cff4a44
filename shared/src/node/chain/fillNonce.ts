import { Wallet } from 'ethers'
import type { Hex } from '../../units.js'
import { UserError } from '../program/userError.js'
import type { Identity } from '../signing/identity.js'
import type { Chain } from './chain.js'
import { wait } from './chainWriter.js'
import { feeFields, raised } from './gasPrice.js'
import { marketPrice } from './marketPrice.js'

const transferGas = 21_000n
const lookEveryMs = 500
const patienceMs = 180_000

/** The first nonce of an account that no block has, and whether a transaction with it waits at the node. */
export async function firstNonce(
  { rpc }: Pick<Chain, 'rpc'>,
  account: string,
): Promise<{ nonce: number; waits: boolean }> {
  const [nonce, next] = await Promise.all([
    rpc.getTransactionCount(account, 'latest'),
    rpc.getTransactionCount(account, 'pending'),
  ])
  return { nonce, waits: next > nonce }
}

/**
 * Replaces the transaction that holds a nonce by one without effect, offering more until the node takes it.
 *
 * @returns Its hash, once a block has it; undefined where a block had taken the other one first.
 * @throws UserError when the ceiling for gas is not enough, or no block takes it.
 */
export async function fillNonce(chain: Chain, identity: Identity, nonce: number): Promise<Hex | undefined> {
  const { rpc, deployment, maxFeePerGas } = chain
  const wallet = new Wallet(identity.privateKey.hex())
  const { address } = identity
  const isSpent = async () => (await rpc.getTransactionCount(address, 'latest')) > nonce
  for (let price = await marketPrice(chain); ; ) {
    const call = { to: address, value: 0n, data: '0x', chainId: deployment.chainId }
    const raw = await wallet.signTransaction({ ...call, nonce, gasLimit: transferGas, ...feeFields(price) })
    try {
      const hash: Hex = await rpc.send('eth_sendRawTransaction', [raw])
      for (const giveUp = performance.now() + patienceMs; performance.now() < giveUp; ) {
        if (await rpc.getTransactionReceipt(hash)) return hash
        if (await isSpent()) return undefined
        await wait(lookEveryMs, undefined)
      }
      throw new UserError(
        `Nonce ${nonce} of ${address} now holds ${hash}, which no block has taken in ${patienceMs / 1_000} s. Run the command again, which offers more.`,
      )
    } catch (error) {
      const { message } = error as Error
      if (!/underpriced|replacement/i.test(message)) {
        if (await isSpent()) return undefined
        throw error
      }
      const dearer = raised(price, price, maxFeePerGas)
      if (!dearer)
        throw new UserError(
          `What holds nonce ${nonce} of ${address} offers so much that replacing it costs more than --max-gas-price allows. Raise --max-gas-price, or wait for it.`,
          { cause: error },
        )
      price = dearer
    }
  }
}
