import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { createInterface } from 'node:readline'
import { JsonRpcProvider } from 'ethers'

/** A chain of its own for one comparison. */
export interface LocalChain {
  readonly provider: JsonRpcProvider
  /** Ends the process and waits until it is gone. */
  stop(): Promise<void>
}

/** Starts anvil on a free port of the loopback. @throws Error when it does not say where it listens. */
export async function startAnvil(): Promise<LocalChain> {
  const flags = ['--port', '0', '--hardfork', 'prague', '--accounts', '1']
  const child = spawn(binary(), flags, { stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = once(child, 'exit')
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const stop = async () => {
    process.off('exit', kill)
    child.kill('SIGTERM')
    await gone
  }
  for await (const line of createInterface(child.stdout)) {
    const url = /Listening on (\S+)/.exec(line)?.[1]
    if (!url) continue
    child.stdout.resume()
    const network = 31_337
    const provider = new JsonRpcProvider(`http://${url}`, network, {
      staticNetwork: true,
      cacheTimeout: -1,
      batchStallTime: 0,
    })
    return {
      provider,
      stop: async () => {
        provider.destroy()
        await stop()
      },
    }
  }
  await stop()
  throw new Error('anvil ended before it listened. Run it by hand to see why.')
}

function binary(): string {
  const name = `@foundry-rs/anvil-${platform()}-${arch() === 'x64' ? 'amd64' : arch()}`
  try {
    return createRequire(import.meta.url).resolve(`${name}/bin/anvil`)
  } catch (cause) {
    throw new Error(`${name} is not installed: run npm ci, on a platform for which it exists.`, { cause })
  }
}
