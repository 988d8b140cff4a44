import { readFile } from 'node:fs/promises'
import type { Deployment } from '../../documents.js'
import { deploymentShape, networkOfChain } from '../program/network.js'
import { UserError } from '../program/userError.js'

/** Which contracts to talk to on a chain, where no file says so. @throws UserError when no network of that chain is known. */
export function knownDeployment(chainId: number): Deployment {
  const network = networkOfChain(chainId)
  if (network !== undefined) return deploymentShape.parse(network)
  throw new UserError(
    `There is no known deployment of Pontage on chain ${chainId}. Give --network or --deployment FILE, or choose another --rpc.`,
  )
}

/** Reads which contracts to talk to. @throws UserError when the file is not a deployment. */
export async function readDeployment(file: string): Promise<Deployment> {
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
