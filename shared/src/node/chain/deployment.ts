import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { Deployment } from '../../documents.js'
import { address } from '../../units.js'
import { UserError } from '../program/userError.js'

const shape = z.object({
  chainId: z.number().int().positive(),
  token: z.string().transform(address),
  registry: z.string().transform(address),
  channels: z.string().transform(address),
  marketplace: z.string().transform(address),
  fromBlock: z.number().int().nonnegative(),
})

/**
 * Reads which contracts to talk to: from `file`, else the committed deployment of the chain.
 *
 * @throws UserError when there is none, or the file is not a deployment.
 */
export async function readDeployment(file: string | undefined, chainId: number): Promise<Deployment> {
  const path = file ?? join(contractsFolder(), 'deployments', `${chainId}.json`)
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw new UserError(
      file === undefined
        ? `There is no known deployment of Pontage on chain ${chainId}. Give --deployment FILE, or choose another --rpc.`
        : `The deployment cannot be read from ${path}. Check --deployment.`,
      { cause },
    )
  })
  try {
    return shape.parse(JSON.parse(text))
  } catch (cause) {
    throw new UserError(
      `${path} is not a deployment: expected JSON with chainId, token, registry, channels, marketplace and fromBlock.`,
      { cause },
    )
  }
}

const contractsFolder = (): string =>
  dirname(createRequire(import.meta.url).resolve('@pontage/channel-contracts/package.json'))
