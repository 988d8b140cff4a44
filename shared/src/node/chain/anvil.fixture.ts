import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { deployAll } from '@pontage/channel-contracts'
import { JsonRpcProvider, keccak256, toUtf8Bytes, Wallet } from 'ethers'
import type { Address } from '../../units.js'
import { createIdentity, type Identity, PrivateKey } from '../signing/identity.js'

/** A chain of the test's own, with the contracts on it. */
export interface Anvil {
  readonly url: string
  readonly deploymentFile: string
  /** Calls the node itself. */
  rpc<Result>(method: string, ...params: unknown[]): Promise<Result>
  /** Somebody with 10 of the chain's coin. */
  person(name: string): Promise<Identity>
  close(): Promise<void>
}

const coins = 10n ** 18n

function anvilPath(): string {
  const name = `@foundry-rs/anvil-${platform()}-${arch() === 'x64' ? 'amd64' : arch()}`
  return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'bin', 'anvil')
}

export async function startAnvil(): Promise<Anvil> {
  const folder = await mkdtemp(join(tmpdir(), 'pontage-anvil-'))
  const child = spawn(anvilPath(), ['--port', '0', '--hardfork', 'prague'])
  const [url, key] = await new Promise<[string, string]>((resolve, reject) => {
    let key = ''
    createInterface({ input: child.stdout }).on('line', (line) => {
      key ||= /\(0\) (0x[0-9a-f]{64})/.exec(line)?.[1] ?? ''
      const at = /Listening on (.+:\d+)/.exec(line)?.[1]
      if (at !== undefined) resolve([`http://${at}`, key])
    })
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`anvil ended with ${code}.`)))
  })
  const provider = new JsonRpcProvider(url, 31_337, {
    staticNetwork: true,
    cacheTimeout: -1,
    polling: true,
    pollingInterval: 20,
  })
  const deploymentFile = join(folder, 'deployment.json')
  await writeFile(deploymentFile, JSON.stringify(await deployAll(new Wallet(key, provider))))
  const setCoins = (of: Address, amount: bigint) =>
    provider.send('anvil_setBalance', [of, `0x${amount.toString(16)}`])
  return {
    url,
    deploymentFile,
    rpc: (method, ...params) => provider.send(method, params),
    async person(name) {
      const identity = createIdentity(new PrivateKey(keccak256(toUtf8Bytes(name))))
      await setCoins(identity.address, 10n * coins)
      return identity
    },
    async close() {
      provider.destroy()
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill()
      await gone
      await rm(folder, { recursive: true })
    },
  }
}

/** Waits until a condition holds. @throws Error when it does not within a minute */
export async function eventually(holds: () => Promise<boolean> | boolean): Promise<void> {
  const giveUpAt = Date.now() + 60_000
  while (!(await holds())) {
    if (Date.now() > giveUpAt) throw new Error(`This did not come to hold: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
