import { readFile } from 'node:fs/promises'
import type { Deployment } from '../../documents.js'
import { deploymentShape, networkOfChain } from '../program/network.js'
import { UserError } from '../program/userError.js'

/**
 * Reads which contracts to talk to: from `file`, else from the known network of the chain.
 *
 * @throws UserError when there is none, or the file is not a deployment.
 */
export async function readDeployment(file: string | undefined, chainId: number): Promise<Deployment> {
  if (file === undefined) {
    const network = networkOfChain(chainId)
    if (network !== undefined) return deploymentShape.parse(network)
    throw new UserError(
      `There is no known deployment of Pontage on chain ${chainId}. Give --network or --deployment FILE, or choose another --rpc.`,
    )
  }
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new UserError(`The deployment cannot be read from ${file}. Check --deployment.`, { cause })
  })
  try {
    return deploymentShape.parse(JSON.parse(text))
  } catch (cause) {
    throw new UserError(
      `${file} is not a deployment: expected JSON with chainId, token, registry, channels, marketplace and fromBlock.`,
      { cause },
    )
  }
}
