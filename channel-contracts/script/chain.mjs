import { spawn } from 'node:child_process'
import { JsonRpcProvider } from 'ethers'
import { binary } from './binary.mjs'

/**
 * Starts a chain of its own on a free port. With the id of another chain it is taken for that one.
 *
 * @returns {Promise<{url: string, provider: JsonRpcProvider, stop: () => void}>}
 * @throws {Error} When it ends before it listens.
 */
export async function startChain(chainId = 31_337) {
  const chain = spawn(binary('anvil'), ['--port', '0', '--hardfork', 'prague', '--chain-id', `${chainId}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await new Promise((resolve, reject) => {
    let said = ''
    chain.stdout.on('data', (piece) => {
      said += piece
      const listening = /Listening on (\S+)/.exec(said)
      if (listening) resolve(`http://${listening[1]}`)
    })
    chain.once('exit', (code) => reject(new Error(`anvil ended with ${code} before it listened`)))
  })
  const provider = new JsonRpcProvider(url, undefined, { cacheTimeout: -1, staticNetwork: true })
  return {
    url,
    provider,
    stop() {
      provider.destroy()
      chain.kill()
    },
  }
}
