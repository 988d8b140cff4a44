import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { deployAll } from '@pontage/channel-contracts'
import {
  type Address,
  type Deployment,
  type Hex,
  parseTokens,
  roles,
  systemClock,
  wei,
} from '@pontage/shared'
import {
  type Chain,
  connectChain,
  connectLink,
  createIdentity,
  createLog,
  createSender,
  createTypedData,
  type Handlers,
  type Identity,
  type Link,
  PrivateKey,
  type TypedData,
} from '@pontage/shared/node'
import { JsonRpcProvider, keccak256, NonceManager, toUtf8Bytes, Wallet, ZeroAddress } from 'ethers'

export const tokens = (text: string) => parseTokens(text, 18)

/** A chain of its own with the contracts on it. */
export interface TestChain {
  readonly rpcUrl: string
  readonly deployment: Deployment
  readonly deploymentFile: string
  readonly chain: Chain
  readonly typedData: TypedData
  readonly folder: string
  fund(to: Address, amounts: { tokens?: string; coin?: string }): Promise<void>
  /** Somebody with tokens and, if asked for, coin for gas. */
  person(name: string, amounts: { tokens?: string; coin?: string }): Promise<Identity>
  /** Registers with its own gas. */
  register(who: Identity, role: keyof typeof roles, stake: string): Promise<void>
  rpc(method: string, ...params: unknown[]): Promise<unknown>
  close(): Promise<void>
}

function anvilPath(): string {
  const cpu = arch() === 'x64' ? 'amd64' : arch()
  const name = `@foundry-rs/anvil-${platform()}-${cpu}`
  return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'bin', 'anvil')
}

/** @param anvilFlags - Such as `--block-time 1`; without, each transaction makes a block. */
export async function startTestChain(anvilFlags: readonly string[] = []): Promise<TestChain> {
  const folder = await mkdtemp(join(tmpdir(), 'pontage-hub-'))
  const anvil = spawn(anvilPath(), ['--port', '0', '--hardfork', 'prague', ...anvilFlags])
  const [rpcUrl, key] = await announced(anvil)
  const provider = new JsonRpcProvider(rpcUrl, 31_337, {
    staticNetwork: true,
    cacheTimeout: -1,
    polling: true,
    pollingInterval: 20,
  })
  const wallet = new Wallet(key, provider)
  const deployment = (await deployAll(wallet)) as Deployment
  const deploymentFile = join(folder, 'deployment.json')
  await writeFile(deploymentFile, JSON.stringify(deployment))
  const chain = await connectChain({ rpc: rpcUrl, deploymentFile, confirmations: 0 })
  const signer = new NonceManager(wallet)
  const fund: TestChain['fund'] = async (to, amounts) => {
    if (amounts.coin !== undefined)
      await (await signer.sendTransaction({ to, value: tokens(amounts.coin) })).wait()
    if (amounts.tokens !== undefined)
      await (await chain.token.connect(signer).transfer(to, tokens(amounts.tokens))).wait()
  }
  return {
    rpcUrl,
    deployment,
    deploymentFile,
    chain,
    typedData: createTypedData(deployment),
    folder,
    fund,
    async person(name, amounts) {
      const identity = createIdentity(new PrivateKey(keccak256(toUtf8Bytes(name))))
      await fund(identity.address, amounts)
      return identity
    },
    async register(who, role, stake) {
      const sender = createSender(chain, who)
      await sender.send(chain.token.approve.populateTransaction(deployment.registry, tokens(stake)))
      await sender.send(
        chain.registry.register.populateTransaction(
          roles[role],
          tokens(stake),
          ZeroAddress,
          'ws://127.0.0.1',
        ),
      )
    },
    rpc: (method, ...params) => provider.send(method, params),
    async close() {
      chain.close()
      provider.destroy()
      const gone = new Promise((resolve) => anvil.once('exit', resolve))
      anvil.kill()
      await gone
      await rm(folder, { recursive: true })
    },
  }
}

function announced(anvil: ChildProcess): Promise<[string, string]> {
  return new Promise((resolve, reject) => {
    if (!anvil.stdout) throw new Error('anvil has no output.')
    let key = ''
    const lines = createInterface({ input: anvil.stdout })
    lines.on('line', (line) => {
      key ||= /\(0\) (0x[0-9a-f]{64})/.exec(line)?.[1] ?? ''
      const address = /Listening on (.+:\d+)/.exec(line)?.[1]
      if (address !== undefined) resolve([`http://${address}`, key])
    })
    anvil.on('error', reject)
    anvil.on('exit', (code) => reject(new Error(`anvil ended with ${code}.`)))
  })
}

/** Connects somebody to a hub. */
export async function dial(
  world: TestChain,
  who: Identity,
  port: number,
  handlers: Handlers = {},
): Promise<Link> {
  const dialled = await connectLink({
    url: `ws://127.0.0.1:${port}`,
    self: { identity: who, typedData: world.typedData, clock: systemClock },
    handlers,
    log: createLog('test', 'error'),
  })
  if (!dialled.ok) throw new Error(JSON.stringify(dialled.refusal))
  return dialled.link
}

/** A consumer's signed total for one provider. */
export function promiseOf(
  { typedData }: TestChain,
  consumer: Identity,
  channelId: Hex,
  provider: Address,
  amount: bigint,
) {
  const signature = typedData.sign(
    'MicroPromise',
    { channelId, provider, amount: wei(amount) },
    consumer.privateKey,
  )
  return { channelId, amount: wei(amount), signature }
}

/** A consumer's request for a guarantee, issued now. */
export const requestOf = (
  { typedData }: TestChain,
  consumer: Identity,
  channelId: Hex,
  provider: Address,
  ceiling: bigint,
) =>
  typedData.signed(
    'GuaranteeRequest',
    { channelId, provider, ceiling: wei(ceiling), issuedAt: systemClock.now() },
    consumer.privateKey,
  )

/** Waits until a condition holds. @throws Error when it does not within a minute */
export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + 60_000
  while (!(await holds())) {
    if (Date.now() > giveUpAt) throw new Error(`This did not come to hold: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
