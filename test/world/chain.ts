import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { dirname, join } from 'node:path'
import type { Host } from './host.js'
import type { Program } from './program.js'

/** A chain of the world's own: anvil, with funded accounts whose keys everybody knows. */
export interface TestChain {
  readonly host: Host
  readonly program: Program
  readonly rpcUrl: string
  /** Private keys of accounts that hold the chain's coin. */
  readonly keys: readonly string[]
}

/** Port on which the chain answers; its namespace has nobody else to take it. */
const port = 8545

/**
 * Starts anvil on a host: a block each second, and one at once when a transaction comes.
 *
 * @param options.aheadMs - How far its clock is ahead.
 * @throws Error when this platform has no anvil among the npm packages, or it does not come up.
 */
export async function startChain(
  host: Host,
  { chainId = 31_337, aheadMs = 0 }: { chainId?: number; aheadMs?: number | undefined } = {},
): Promise<TestChain> {
  const genesis = join(host.home, 'genesis.json')
  const program = host.start([
    anvilPath(),
    ...[
      '--host',
      host.address.includes(':') ? '::' : '0.0.0.0',
      '--port',
      String(port),
      '--chain-id',
      String(chainId),
    ],
    ...['--hardfork', 'prague', '--block-time', '1', '--mixed-mining', '--config-out', genesis],
    ...(aheadMs === 0 ? [] : ['--timestamp', String(Math.round((Date.now() + aheadMs) / 1_000))]),
  ])
  await program.line(/Listening on/)
  const { private_keys: keys } = JSON.parse(readFileSync(genesis, 'utf8')) as { private_keys: string[] }
  return { host, program, rpcUrl: `http://${host.at(port)}`, keys }
}

/** The binary inside the npm package for this platform; the package's own launcher hides exit codes. */
function anvilPath(): string {
  const require = createRequire(import.meta.url)
  const cpu = arch() === 'x64' ? 'amd64' : arch()
  const name = `@foundry-rs/anvil-${platform()}-${cpu}`
  try {
    return join(dirname(require.resolve(`${name}/package.json`)), 'bin', 'anvil')
  } catch (cause) {
    throw new Error(`${name} is not installed: run npm ci, on a platform for which it exists.`, { cause })
  }
}
