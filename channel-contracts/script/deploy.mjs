/**
 * Deploys the contracts to any chain, goes on where an interrupted run stopped, and checks what is there.
 *
 *   npm run deploy -w channel-contracts -- --rpc URL --config networks/NAME.json
 *
 * The key is in the environment variable PONTAGE_DEPLOY_KEY, or in a file named by --key-file. The result is written
 * to networks/NAME.json at the top of the checkout, or to --out: what the programs take as --network.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Contract, JsonRpcProvider, Wallet } from 'ethers'
import { constructorArguments, deployAll, tooShort } from '../dist/ts/index.js'
import { workspace } from './binary.mjs'
import { verify } from './verify.mjs'

/** Something the person at the keyboard can put right: shown without a stack. */
class Mistake extends Error {}

try {
  await main()
} catch (error) {
  console.error(error instanceof Mistake ? error.message : error)
  process.exitCode = 1
}

async function main() {
  const { rpc, config: configPath, 'key-file': keyFile, out } = flags()
  const config = readConfig(configPath)
  const provider = new JsonRpcProvider(rpc, undefined, { cacheTimeout: -1 })
  try {
    const chainId = Number(await chainIdOf(provider, rpc))
    if (config.chainId !== undefined && config.chainId !== chainId)
      throw new Mistake(
        `${rpc} is chain ${chainId}, but ${configPath} is for chain ${config.chainId}. Use the other.`,
      )
    const short = tooShort(chainId, constructorArguments(config).channelSettings)
    if (short) throw new Mistake(`${short} Change the delays in ${configPath}.`)
    const path = out ? resolve(out) : join(workspace, '..', 'networks', basename(configPath))
    const signer = new Wallet(readKey(keyFile), provider)
    const deployment = await deploy(signer, config, path)
    await verify(provider, deployment, constructorArguments(config))
    const network = await describe(provider, config.name, deployment, path)
    writeFileSync(path, `${JSON.stringify(network, null, 2)}\n`)
    rmSync(progressOf(path), { force: true })
    console.log(`Deployed and verified: ${path}`)
  } finally {
    provider.destroy()
  }
}

function flags() {
  const options = { rpc: {}, config: {}, 'key-file': {}, out: {} }
  try {
    const strings = Object.fromEntries(Object.keys(options).map((name) => [name, { type: 'string' }]))
    const { values } = parseArgs({ options: strings })
    if (!values.rpc || !values.config)
      throw new Mistake('Missing --rpc URL or --config networks/NAME.json. Give both.')
    return values
  } catch (error) {
    if (error instanceof Mistake) throw error
    throw new Mistake(`${error.message}. Known are --rpc, --config, --key-file and --out.`)
  }
}

/** @returns DeployOptions, with amounts and seconds as bigints and numbers. */
function readConfig(path) {
  const amounts = new Set(['tokenSupply', 'overchargePenalty', 'consumer', 'provider', 'hub'])
  const known = new Set(
    'name chainId token tokenSupply minimumStakes delays feeCapBps defaultFeeBps maxRaiseBps overchargePenalty'.split(
      ' ',
    ),
  )
  let config
  try {
    config = JSON.parse(readFileSync(resolve(path), 'utf8'), (name, value) =>
      amounts.has(name) ? BigInt(value) : value,
    )
  } catch (error) {
    throw new Mistake(
      `${path} cannot be read as a network's configuration: ${error.message}. See networks/local.json.`,
    )
  }
  const strange = Object.keys(config).find((name) => !known.has(name))
  if (strange)
    throw new Mistake(`${path} has "${strange}", which is not known. Known are ${[...known].join(', ')}.`)
  return config
}

function readKey(file) {
  const key = file ? readFileSync(resolve(file), 'utf8').trim() : process.env.PONTAGE_DEPLOY_KEY
  if (!/^(0x)?[0-9a-fA-F]{64}$/.test(key ?? ''))
    throw new Mistake('No private key. Put one in PONTAGE_DEPLOY_KEY, or in a file named by --key-file.')
  return key.startsWith('0x') ? key : `0x${key}`
}

async function chainIdOf(provider, rpc) {
  try {
    return BigInt(await provider.send('eth_chainId', []))
  } catch {
    throw new Mistake(`No chain answers at ${rpc}. Check the address, and that the node runs.`)
  }
}

/** The network as programs read it. Public nodes and hubs are for people to add, and stay when it is written anew. */
async function describe(provider, name, deployment, path) {
  const token = new Contract(deployment.token, ['function symbol() view returns (string)'], provider)
  // It is only shown, and not every token has one.
  const symbol = await token.symbol().catch(() => undefined)
  const { rpc = [], hubs = [] } = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {}
  return { name, ...deployment, symbol, rpc, hubs }
}

function progressOf(path) {
  return `${path}.progress`
}

/** Deploys, or goes on with what the progress file says was begun with the same key and configuration. */
async function deploy(signer, config, path) {
  mkdirSync(dirname(path), { recursive: true })
  const mark = JSON.stringify({ from: signer.address, config }, (_, value) =>
    typeof value === 'bigint' ? `${value}` : value,
  )
  let beginning
  if (existsSync(progressOf(path))) {
    const begun = JSON.parse(readFileSync(progressOf(path), 'utf8'))
    if (begun.mark !== mark)
      throw new Mistake(
        `${progressOf(path)} was begun with another key or configuration. Use those, or delete it to begin anew.`,
      )
    beginning = begun.beginning
  }
  return deployAll(signer, config, beginning, (begun) =>
    writeFileSync(progressOf(path), JSON.stringify({ mark, beginning: begun })),
  )
}
