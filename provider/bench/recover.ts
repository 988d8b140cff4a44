import { libraryState, preFundState, wei } from '@pontage/shared'
import { signChannelState } from '@pontage/shared/node'
import { getSignerAddress } from '@statechannels/wallet-core'
import { verifyTypedData } from 'ethers'
import { deployment, newIdentity, newPayer, typedData } from './cast.js'

/** Signers recovered in a second on one core, by three ways. */
export interface Recoveries {
  readonly nativeRecoverPerSecond: number
  readonly ethersRecoverPerSecond: number
  readonly walletCoreRecoverPerSecond: number
}

const measureMs = 1_000

/** Measures each way for a second: ours, and what the two libraries at hand would do. */
export async function measureRecoveries(): Promise<Recoveries> {
  const payer = newPayer(1)
  const provider = newIdentity().address
  const document = { channelId: payer.channelId, provider, amount: wei(123_456_789n) }
  const promise = typedData.signed('MicroPromise', document, payer.identity.privateKey)
  const domain = {
    name: 'Pontage',
    version: '1',
    chainId: deployment.chainId,
    verifyingContract: deployment.channels,
  }
  const types = {
    MicroPromise: [
      { name: 'channelId', type: 'bytes32' },
      { name: 'provider', type: 'address' },
      { name: 'amount', type: 'uint256' },
    ],
  }
  const { signature } = promise
  const same = verifyTypedData(domain, types, document, signature).toLowerCase() === payer.identity.address
  if (!same) throw new Error('The libraries disagree on who signed.')
  const state = preFundState(deployment, payer.parties, 0)
  const signed = await signChannelState(state, payer.identity.privateKey)
  return {
    nativeRecoverPerSecond: await rate(() =>
      typedData.check('MicroPromise', promise, payer.identity.address),
    ),
    ethersRecoverPerSecond: await rate(() => verifyTypedData(domain, types, document, signature)),
    walletCoreRecoverPerSecond: await rate(() => getSignerAddress(libraryState(state), signed)),
  }
}

async function rate(once: () => unknown): Promise<number> {
  for (let warm = 0; warm < 50; warm++) await once()
  let done = 0
  const cpu = process.cpuUsage()
  const began = performance.now()
  while (performance.now() - began < measureMs) {
    for (let each = 0; each < 20; each++) await once()
    done += 20
  }
  const { user, system } = process.cpuUsage(cpu)
  return (done / (user + system)) * 1e6
}
