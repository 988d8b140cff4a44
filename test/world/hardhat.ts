import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { TestChain } from './chain.js'
import type { Host } from './host.js'
import { repository } from './repository.js'

const port = 8545

/** Starts Hardhat's node on a host: an implementation of the EVM that shares no code with anvil's. */
export async function startHardhat(host: Host): Promise<TestChain> {
  const hardhat = createRequire(import.meta.url).resolve('hardhat/internal/cli/cli')
  // It works only where it is installed.
  const folder = join(repository, 'test', 'world')
  const program = host.start(
    [
      ...['env', '-C', folder, process.execPath, hardhat, '--config', 'hardhat.config.cjs'],
      ...['node', '--hostname', '0.0.0.0', '--port', String(port)],
    ],
    { env: { HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true' } },
  )
  await program.line(/Account #19/, { timeoutMs: 60_000 })
  const keys = program.lines().flatMap((line) => /^Private Key: (0x[0-9a-f]{64})/.exec(line)?.[1] ?? [])
  return { host, program, rpcUrl: `http://${host.address}:${port}`, keys }
}
