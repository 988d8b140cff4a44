/**
 * Compiles the contracts, and writes what TypeScript needs of them: `abi/NAME.json` and typed bindings in `types/`.
 * With --check it writes nothing and fails when what is committed differs from what it would write.
 */
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { run, workspace } from './binary.mjs'

/** Contracts with bindings: interfaces for who talks to a deployment, the rest for who deploys one. */
const contracts = [
  'IIdentityRegistry',
  'IPaymentChannels',
  'IMarketplace',
  'IdentityRegistry',
  'PaymentChannels',
  'ChannelViews',
  'Marketplace',
  'TestToken',
]

/** Bytes of code a contract may have (EIP-170). */
const sizeLimit = 24_576

const check = process.argv.includes('--check')
const scratch = mkdtempSync(join(tmpdir(), 'pontage-abi-'))
try {
  const code = run('forge', ['build', '--skip', 'test', '--skip', 'script'], {
    stdio: check ? ['ignore', 'ignore', 'inherit'] : 'inherit',
  })
  if (code !== 0) process.exit(code)
  writeAbis(join(scratch, 'abi'))
  writeTypes(join(scratch, 'abi'), join(scratch, 'types'))
  const stale = [...compare('abi'), ...compare('types')]
  if (check && stale.length > 0) {
    console.error(
      `Stale: ${stale.join(', ')}. Run "npm run build -w channel-contracts" and commit what it writes.`,
    )
    process.exitCode = 1
  }
  if (!check) {
    replace('abi')
    replace('types')
  }
} finally {
  rmSync(scratch, { recursive: true })
}

function writeAbis(folder) {
  mkdirSync(folder)
  for (const name of contracts) {
    const path = join(workspace, 'out', `${name}.sol`, `${name}.json`)
    if (!existsSync(path)) throw new Error(`forge wrote no ${relative(workspace, path)}`)
    const { abi, bytecode, deployedBytecode } = JSON.parse(readFileSync(path, 'utf8'))
    const size = (deployedBytecode.object.length - 2) / 2
    if (size > sizeLimit)
      throw new Error(`${name} has ${size} bytes, but EIP-170 allows ${sizeLimit}. Make it smaller.`)
    const immutables = Object.values(deployedBytecode.immutableReferences ?? {}).flat()
    const artifact = {
      contractName: name,
      abi,
      bytecode: bytecode.object,
      // With these a deployed contract can be compared with this source, whatever its constructor was given.
      deployedBytecode: deployedBytecode.object,
      immutables: immutables.sort((a, b) => a.start - b.start),
    }
    writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(artifact, null, 1)}\n`)
  }
}

function writeTypes(abis, folder) {
  const require = createRequire(import.meta.url)
  const cli = join(dirname(require.resolve('typechain/package.json')), 'dist/cli/cli.js')
  const target = require.resolve('@typechain/ethers-v6')
  const files = contracts.map((name) => join(abis, `${name}.json`))
  execFileSync(
    process.execPath,
    [cli, '--target', dirname(dirname(target)), '--node16-modules', '--out-dir', folder, ...files],
    { cwd: workspace, stdio: ['ignore', 'ignore', 'inherit'] },
  )
  rmSync(join(folder, 'index.ts'))
}

function filesIn(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
}

/** Paths whose committed content is not the generated one. */
function compare(name) {
  const committed = filesIn(join(workspace, name))
  const generated = filesIn(join(scratch, name))
  return [...new Set([...committed, ...generated])]
    .filter((file) => {
      const [a, b] = [join(workspace, name, file), join(scratch, name, file)]
      return !existsSync(a) || !existsSync(b) || readFileSync(a, 'utf8') !== readFileSync(b, 'utf8')
    })
    .map((file) => `${name}/${file}`)
}

function replace(name) {
  rmSync(join(workspace, name), { recursive: true, force: true })
  cpSync(join(scratch, name), join(workspace, name), { recursive: true })
}
