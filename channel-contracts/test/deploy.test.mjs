/** Deploys to a chain of its own by the command a person would type; interrupted, resumed, and with every mistake. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { id, toBeHex, Wallet } from 'ethers'
import { defaults, IdentityRegistry__factory, TestToken__factory, tooShort } from '../dist/ts/index.js'
import { startChain } from '../script/chain.mjs'

const script = fileURLToPath(new URL('../script/deploy.mjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'pontage-deploy-'))
const config = join(folder, 'network.json')
const key = id('pontage deployer of tests')
let chain

before(async () => {
  chain = await startChain()
  await chain.provider.send('anvil_setBalance', [new Wallet(key).address, toBeHex(10n ** 20n)])
  writeFileSync(config, JSON.stringify({ name: 'test', chainId: 31337, delays: { maxGuarantee: 7200 } }))
})

after(() => {
  chain.stop()
  rmSync(folder, { recursive: true })
})

function deploy(out, { args = [], env = { PONTAGE_DEPLOY_KEY: key } } = {}) {
  const given = ['--rpc', chain.url, '--config', config, '--out', out, ...args]
  return spawnSync(process.execPath, [script, ...given], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  })
}

test('writes a network it has verified', async () => {
  const out = join(folder, 'first.json')
  const ended = deploy(out)
  assert.equal(ended.status, 0, ended.stderr)
  const deployment = JSON.parse(readFileSync(out, 'utf8'))
  assert.deepEqual(
    Object.keys(deployment).join(' '),
    'name chainId token registry channels marketplace fromBlock symbol rpc hubs',
  )
  assert.equal(deployment.chainId, 31337)
  assert.match(deployment.symbol, /^\w+$/)
  assert.ok(!existsSync(`${out}.progress`))
})

test('goes on where it was interrupted', async () => {
  const out = join(folder, 'second.json')
  const signer = new Wallet(key, chain.provider)
  const firstNonce = await signer.getNonce()
  const fromBlock = await chain.provider.getBlockNumber()
  const mark = JSON.stringify({ from: signer.address, config: JSON.parse(readFileSync(config, 'utf8')) })
  writeFileSync(`${out}.progress`, JSON.stringify({ mark, beginning: { firstNonce, fromBlock } }))
  const sent = await signer.sendTransaction({
    ...(await new TestToken__factory(signer).getDeployTransaction(10n ** 27n)),
    nonce: firstNonce,
  })
  const { contractAddress } = await sent.wait()
  const ended = deploy(out)
  assert.equal(ended.status, 0, ended.stderr)
  const deployment = JSON.parse(readFileSync(out, 'utf8'))
  assert.equal(deployment.token, contractAddress.toLowerCase())
  assert.equal(deployment.fromBlock, fromBlock)
  assert.equal(await signer.getNonce(), firstNonce + 4)
})

test('says so when something else was sent in between', async () => {
  const out = join(folder, 'third.json')
  const signer = new Wallet(key, chain.provider)
  const mark = JSON.stringify({ from: signer.address, config: JSON.parse(readFileSync(config, 'utf8')) })
  const firstNonce = await signer.getNonce()
  writeFileSync(`${out}.progress`, JSON.stringify({ mark, beginning: { firstNonce, fromBlock: 0 } }))
  await (await signer.sendTransaction({ to: signer.address, value: 0, nonce: firstNonce })).wait()
  const ended = deploy(out)
  assert.equal(ended.status, 1)
  assert.match(ended.stderr, /something else was sent in between/)
})

test('does not take a contract that is put together otherwise for its own', async () => {
  const out = join(folder, 'fourth.json')
  const signer = new Wallet(key, chain.provider)
  const firstNonce = await signer.getNonce()
  const { address } = signer
  const mark = JSON.stringify({ from: address, config: JSON.parse(readFileSync(config, 'utf8')) })
  writeFileSync(`${out}.progress`, JSON.stringify({ mark, beginning: { firstNonce, fromBlock: 0 } }))
  const send = async (transaction, nonce) => (await signer.sendTransaction({ ...transaction, nonce })).wait()
  await send(await new TestToken__factory(signer).getDeployTransaction(1n), firstNonce)
  const stakes = { consumer: 1, provider: 1, hub: 1 }
  const registry = new IdentityRegistry__factory(signer)
  await send(await registry.getDeployTransaction(address, address, address, 700_000, stakes), firstNonce + 1)
  const ended = deploy(out)
  assert.equal(ended.status, 1)
  assert.ok(!existsSync(out))
})

test('a chain with a sequencer needs delays that outlast it', async () => {
  const arbitrum = await startChain(42161)
  try {
    await arbitrum.provider.send('anvil_setBalance', [new Wallet(key).address, toBeHex(10n ** 20n)])
    const out = join(folder, 'arbitrum.json')
    const given = (file) => ({ args: ['--rpc', arbitrum.url, '--config', file] })
    const hasty = join(folder, 'hasty.json')
    writeFileSync(hasty, JSON.stringify({ chainId: 42161 }))
    const refused = deploy(out, given(hasty))
    assert.equal(refused.status, 1)
    assert.match(
      refused.stderr,
      /On Arbitrum One a transaction may need 24 h .* maxGuarantee must be at least 108000 s, not 21600 s/,
    )
    assert.ok(!existsSync(out))
    const file = fileURLToPath(new URL('../networks/arbitrum.json', import.meta.url))
    const ended = deploy(out, given(file))
    assert.equal(ended.status, 0, ended.stderr)
    assert.equal(JSON.parse(readFileSync(out, 'utf8')).chainId, 42161)
  } finally {
    arbitrum.stop()
  }
})

test('the networks that are committed outlast their sequencers, and nothing is demanded of other chains', () => {
  for (const name of ['arbitrum', 'base', 'optimism']) {
    const { chainId, delays } = JSON.parse(
      readFileSync(new URL(`../networks/${name}.json`, import.meta.url), 'utf8'),
    )
    const { protestWindow, maxGuarantee, exitDelay, feeNotice, withdrawalDelay } = delays
    assert.equal(tooShort(chainId, delays), undefined, name)
    assert.match(tooShort(chainId, { maxGuarantee: maxGuarantee - 1 }), /maxGuarantee must be at least/)
    assert.ok(protestWindow > maxGuarantee && withdrawalDelay > protestWindow, name)
    for (const delay of [exitDelay, feeNotice, defaults.delays.unbonding])
      assert.ok(delay >= 2 * protestWindow + maxGuarantee, name)
  }
  assert.equal(tooShort(1, { maxGuarantee: 1 }), undefined)
})

test('every mistake gets a sentence', () => {
  const out = join(folder, 'none.json')
  const sentence = (options, expected) => {
    const ended = deploy(out, options)
    assert.equal(ended.status, 1)
    assert.match(ended.stderr, expected)
    assert.ok(!ended.stderr.includes('    at '), ended.stderr)
  }
  sentence({ args: ['--wat', 'x'] }, /Known are --rpc/)
  sentence({ env: { PONTAGE_DEPLOY_KEY: 'x' } }, /No private key/)
  sentence({ args: ['--rpc', 'http://127.0.0.1:1'] }, /No chain answers/)
  sentence({ args: ['--config', join(folder, 'absent.json')] }, /cannot be read/)
  const other = join(folder, 'other.json')
  writeFileSync(other, JSON.stringify({ chainId: 5 }))
  sentence({ args: ['--config', other] }, /is chain 31337, but/)
  writeFileSync(other, JSON.stringify({ wat: 5 }))
  sentence({ args: ['--config', other] }, /"wat", which is not known/)
})
