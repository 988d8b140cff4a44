import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** Contracts that are deployed. */
const deployed = ['IdentityRegistry', 'PaymentChannels', 'Marketplace']

/**
 * A compiler that stays loaded: the second contract takes a fraction of what the first takes. Unoptimised, for tests.
 *
 * @param {string} folder Holds `src` and `node_modules`.
 */
export function createCompiler(folder) {
  const solc = createRequire(join(folder, 'package.json'))('solc')
  const healthy = new Map()
  const read = (path) => {
    if (!healthy.has(path)) {
      const file = join(folder, path)
      healthy.set(path, existsSync(file) ? readFileSync(file, 'utf8') : undefined)
    }
    return healthy.get(path)
  }
  return {
    /**
     * Compiles the deployed contracts that depend on a changed source.
     *
     * @param {Record<string, string>} changed New texts by path.
     * @returns {{contract: string, evm: object}[] | undefined} Undefined when they do not compile.
     */
    compile(changed) {
      const touched = deployed.filter((contract) => Object.keys(changed).some((path) => uses(contract, path)))
      const roots = touched.map((contract) => `src/${contract}.sol`)
      const sources = Object.fromEntries(
        roots.map((path) => [path, { content: changed[path] ?? read(path) }]),
      )
      const selection = touched.map((contract) => [
        `src/${contract}.sol`,
        { [contract]: ['evm.bytecode.object', 'evm.deployedBytecode.object'] },
      ])
      const settings = {
        evmVersion: 'cancun',
        optimizer: { enabled: false },
        metadata: { bytecodeHash: 'none', appendCBOR: false },
        remappings: ['@openzeppelin/contracts/=node_modules/@openzeppelin/contracts/'],
        outputSelection: Object.fromEntries(selection),
      }
      const input = JSON.stringify({ language: 'Solidity', sources, settings })
      const found = (path) => {
        const contents = changed[path] ?? read(path)
        return contents === undefined ? { error: 'not found' } : { contents }
      }
      const output = JSON.parse(solc.compile(input, { import: found }))
      if (output.errors?.some(({ severity }) => severity === 'error')) return undefined
      return touched.map((contract) => ({
        contract,
        evm: output.contracts[`src/${contract}.sol`][contract].evm,
      }))
    },
  }

  /** Whether a deployed contract is made of a source; a contract's own file makes no other. */
  function uses(contract, path) {
    if (path === `src/${contract}.sol`) return true
    if (deployed.some((other) => path === `src/${other}.sol`)) return false
    return read(`src/${contract}.sol`).includes(path.slice('src/'.length))
  }
}
