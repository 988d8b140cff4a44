import { readFile } from 'node:fs/promises'
import { type Address, address } from '@pontage/shared'
import { UserError } from '@pontage/shared/node'
import { keystorePath } from './settings.js'

/** The address a keystore names in clear, for what needs no password. @throws UserError without a keystore */
export async function keystoreAddress(home: string): Promise<Address> {
  const path = keystorePath(home)
  try {
    const { address: bare } = JSON.parse(await readFile(path, 'utf8')) as { address: string }
    return address(`0x${bare.replace(/^0x/i, '')}`)
  } catch (cause) {
    throw new UserError(`No keystore can be read at ${path}. Run init first, or name its --home.`, { cause })
  }
}
