import { createHash } from 'node:crypto'
import { routeTo, runCommand } from '@pontage/shared/node'

/**
 * What a network is known again by: the link address of its router. The name of the device stands in for it where there is
 * none. Hashed, so that the file in which it is kept tells nobody where its owner has been.
 *
 * @param towards - An address beyond the router.
 * @returns undefined where no way leads there.
 */
export async function networkPrint(towards: string): Promise<string | undefined> {
  const route = await routeTo(towards)
  if (route === undefined) return undefined
  const { gateway, device } = route
  const link = gateway === undefined ? undefined : await linkAddress(gateway, device)
  return createHash('sha256').update(`${device} ${gateway} ${link}`).digest('hex').slice(0, 32)
}

async function linkAddress(gateway: string, device: string): Promise<string | undefined> {
  const { stdout } = await runCommand(['ip', '-json', 'neigh', 'show', 'to', gateway, 'dev', device])
  const [found] = JSON.parse(stdout || '[]') as { lladdr?: string }[]
  return found?.lladdr
}
