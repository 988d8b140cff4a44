import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { ContractFactory, type Signer } from 'ethers'
import { repository } from './repository.js'

/** Contracts of `channel-contracts/test/tokens/StreetTokens.sol`. */
export type StreetTokenName = 'DollarToken' | 'DaiToken' | 'SilentToken'

/** Deploys a token with the habits of one that people have; all of it belongs to the signer. @returns its address */
export async function deployStreetToken(
  signer: Signer,
  name: StreetTokenName,
  supply: bigint,
): Promise<string> {
  const folder = join(repository, 'channel-contracts')
  const solc = createRequire(join(folder, 'package.json'))('solc') as { compile(input: string): string }
  const content = readFileSync(join(folder, 'test', 'tokens', 'StreetTokens.sol'), 'utf8')
  const input = {
    language: 'Solidity',
    sources: { 'StreetTokens.sol': { content } },
    settings: { outputSelection: { '*': { [name]: ['abi', 'evm.bytecode.object'] } } },
  }
  const { errors = [], contracts } = JSON.parse(solc.compile(JSON.stringify(input)))
  const wrong = (errors as { severity: string; formattedMessage: string }[]).find(
    ({ severity }) => severity === 'error',
  )
  if (wrong) throw new Error(wrong.formattedMessage)
  const { abi, evm } = contracts['StreetTokens.sol'][name]
  const token = await new ContractFactory(abi, evm.bytecode.object, signer).deploy(supply)
  await token.waitForDeployment()
  return token.getAddress()
}
