import type { Deployment } from '../../documents.js'
import { type Address, address } from '../../units.js'

/** An address that is told from others by its digit. */
export const contract = (digit: string): Address => address(`0x${digit.repeat(40)}`)

/** Contracts that stand on no chain: enough for what is only signed. */
export const exampleDeployment: Deployment = {
  chainId: 31_337,
  token: contract('1'),
  registry: contract('2'),
  channels: contract('3'),
  marketplace: contract('4'),
  fromBlock: 0,
}
