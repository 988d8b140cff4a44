/**
 * Prints what each step costs, as the table of the README: gas used by the receipt of a transaction on a chain of its
 * own, with balances of tokens that are not zero before. With --json one object on standard output; with --check it
 * fails when the README says otherwise by more than one in a hundred.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  AbiCoder,
  concat,
  id,
  keccak256,
  MaxUint256,
  Signature,
  TypedDataEncoder,
  toBeHex,
  Wallet,
} from 'ethers'
import {
  deployAll,
  IdentityRegistry__factory,
  PaymentChannels__factory,
  TestToken__factory,
} from '../dist/index.js'
import { workspace } from './binary.mjs'
import { startChain } from './chain.mjs'

const whole = 10n ** 18n
const chain = await startChain()
try {
  const gas = await measure(chain.provider)
  if (process.argv.includes('--json')) console.log(JSON.stringify(gas))
  else if (process.argv.includes('--check')) check(gas)
  else console.log(table(gas))
} finally {
  chain.stop()
}

/** The table of the README, with what each step should cost at most. */
function table(gas) {
  const rows = [
    [
      'a newcomer registers as consumer and opens a channel, in one transaction',
      gas.onboardConsumer,
      130_000,
    ],
    ["redeem a hub's promise, second and later", gas.redeem, 55_000],
    ['redeem for 100 providers in one transaction, each', gas.redeemBatch100Each, 35_000],
    ['a transfer of the token', gas.tokenTransfer],
    ['draw by the hub, second and later', gas.drawByHub, 60_000],
    ['draw 20 promises to one provider in one transaction, each', gas.drawBatch20Each, 25_000],
    ['draw under a guarantee and redeem, in one transaction', gas.drawAndRedeem, 120_000],
    ['conclude with one provider and its release', gas.conclude, 110_000],
    ['request an exit and exit', gas.exit, 80_000],
  ]
  const grouped = (figure) => figure?.toLocaleString('en-US') ?? ''
  const lines = rows.map(([step, used, aim]) =>
    `| ${step} | ${grouped(used)} | ${grouped(aim)} |`.replace('|  |', '| |'),
  )
  return ['| Step | Gas | Aim |', '| --- | --- | --- |', ...lines].join('\n')
}

function check(gas) {
  const readme = readFileSync(join(workspace, 'README.md'), 'utf8')
  for (const line of table(gas).split('\n').slice(2)) {
    const [, step, used] = line.split('|').map((cell) => cell.trim())
    const stated = readme.split('\n').find((row) => row.startsWith(`| ${step} |`))
    const figures = [used, stated?.split('|')[2]?.trim()].map((text) => Number(text?.replaceAll(',', '')))
    if (!(Math.abs(figures[0] - figures[1]) * 100 <= figures[0])) {
      console.error(
        `"${step}" costs ${used}, README.md says ${figures[1]}. Put the table of "npm run gas" there.`,
      )
      process.exitCode = 1
    }
  }
}

async function measure(rpc) {
  const { chainId } = await rpc.getNetwork()
  const account = async (name) => {
    const wallet = new Wallet(id(`pontage gas ${name}`), rpc)
    await rpc.send('anvil_setBalance', [wallet.address, toBeHex(10n ** 20n)])
    return wallet
  }
  const [deployer, consumer, hub, relayer] = await Promise.all(
    ['deployer', 'consumer', 'hub', 'relayer'].map(account),
  )
  const place = await deployAll(deployer)
  const as = (wallet) => ({
    token: TestToken__factory.connect(place.token, wallet),
    registry: IdentityRegistry__factory.connect(place.registry, wallet),
    channels: PaymentChannels__factory.connect(place.channels, wallet),
  })
  const used = async (sending) => Number((await (await sending).wait()).gasUsed)

  const sign = (wallet, name, fields, message) =>
    wallet.signingKey.sign(
      TypedDataEncoder.hash(
        { name: 'Pontage', version: '1', chainId, verifyingContract: place.channels },
        { [name]: fields.map(([type, label]) => ({ type, name: label })) },
        message,
      ),
    ).serialized
  const promise = (wallet, channelId, to, amount) =>
    sign(
      wallet,
      'MicroPromise',
      [
        ['bytes32', 'channelId'],
        ['address', 'provider'],
        ['uint256', 'amount'],
      ],
      { channelId, provider: to, amount },
    )
  const guarantee = (channelId, to, ceiling, expiresAt) =>
    sign(
      hub,
      'Guarantee',
      [
        ['bytes32', 'channelId'],
        ['address', 'provider'],
        ['uint256', 'ceiling'],
        ['uint64', 'expiresAt'],
      ],
      { channelId, provider: to, ceiling, expiresAt },
    )
  const redemption = (to, total) => ({
    hub: hub.address,
    provider: to,
    total,
    signature: sign(
      hub,
      'HubPromise',
      [
        ['address', 'provider'],
        ['uint256', 'total'],
      ],
      { provider: to, total },
    ),
  })
  const channelIdOf = (from, nonce) =>
    keccak256(
      AbiCoder.defaultAbiCoder().encode(
        ['uint256', 'address[]', 'uint256'],
        [chainId, [from, hub.address], nonce],
      ),
    )
  const byHub = (from, nonce, to, amount) => ({
    parties: { consumer: from.address, hub: hub.address, nonce },
    provider: to,
    amount,
    promiseSignature: promise(from, channelIdOf(from.address, nonce), to, amount),
    ceiling: 0,
    expiresAt: 0,
    guaranteeSignature: '0x',
  })

  // Everyone has tokens, and both contracts hold some.
  const newcomer = await account('newcomer')
  const providers = await Promise.all(Array.from({ length: 100 }, (_, i) => account(`provider ${i}`)))
  const [provider] = providers
  for (const wallet of [consumer, hub, relayer, newcomer]) {
    await used(as(deployer).token.transfer(wallet.address, 10_000n * whole))
    await used(as(wallet).token.approve(place.registry, MaxUint256))
    await used(as(wallet).token.approve(place.channels, MaxUint256))
  }
  for (const wallet of providers) await used(as(deployer).token.transfer(wallet.address, whole))
  await used(as(hub).registry.register(4, 2_000n * whole, hub.address, ''))
  await used(as(consumer).registry.register(1, whole, consumer.address, ''))
  await used(as(hub).channels.fund(hub.address, 5_000n * whole))
  await used(as(consumer).channels.open(hub.address, 0, 1_000n * whole))

  const onboardConsumer = await used(
    as(newcomer).registry.registerAndOpen(whole, hub.address, 0, 100n * whole),
  )

  // A first redemption and a first draw, so that those measured are later ones.
  await used(as(hub).channels.redeemMany(providers.map(({ address }) => redemption(address, whole))))
  await used(as(hub).channels.draw(byHub(consumer, 0, provider.address, whole)))
  const redeem = await used(as(provider).channels.redeem(redemption(provider.address, 3n * whole)))
  const batch = await used(
    as(hub).channels.redeemMany(providers.map(({ address }) => redemption(address, 5n * whole))),
  )
  const tokenTransfer = await used(as(deployer).token.transfer(relayer.address, whole))
  const drawByHub = await used(as(hub).channels.draw(byHub(consumer, 0, provider.address, 2n * whole)))

  // Twenty consumers' promises to one provider, each drawn before.
  const many = await Promise.all(Array.from({ length: 20 }, (_, i) => account(`consumer ${i}`)))
  for (const wallet of many) {
    await used(as(deployer).token.transfer(wallet.address, 1_000n * whole))
    await used(as(wallet).token.approve(place.registry, MaxUint256))
    await used(as(wallet).token.approve(place.channels, MaxUint256))
    await used(as(wallet).registry.register(1, whole, wallet.address, ''))
    await used(as(wallet).channels.open(hub.address, 0, 100n * whole))
  }
  const drawAll = (amount) =>
    used(as(hub).channels.drawMany(many.map((from) => byHub(from, 0, provider.address, amount))))
  await drawAll(whole)
  const drawBatch = await drawAll(2n * whole)

  // Without the hub: a guarantee, and what is drawn is redeemed in the same transaction.
  const { timestamp } = await rpc.getBlock('latest')
  const expiresAt = timestamp + 3_600
  const guaranteed = (amount) => ({
    ...byHub(newcomer, 0, provider.address, amount),
    ceiling: 50n * whole,
    expiresAt,
    guaranteeSignature: guarantee(channelIdOf(newcomer.address, 0), provider.address, 50n * whole, expiresAt),
  })
  const waiting = { hub: hub.address, provider: provider.address, total: 0, signature: '0x' }
  const drawAndRedeem = await used(as(provider).channels.drawAndRedeem([guaranteed(20n * whole)], waiting))

  const conclude = await concludeGas()
  const requestExit = await used(as(many[0]).channels.requestExit(hub.address, 0))
  await rpc.send('evm_increaseTime', [48 * 3_600])
  await rpc.send('evm_mine', [])
  const exit = await used(
    as(many[0]).channels.exit({ consumer: many[0].address, hub: hub.address, nonce: 0 }, []),
  )

  return {
    onboardConsumer,
    redeem,
    redeemBatch100Each: Math.ceil(batch / 100),
    tokenTransfer,
    drawByHub,
    drawBatch20Each: Math.ceil(drawBatch / 20),
    drawAndRedeem,
    conclude,
    exit: requestExit + exit,
  }

  async function concludeGas() {
    const { default: library } = await import('@statechannels/wallet-core')
    const abi = AbiCoder.defaultAbiCoder()
    const channelId = channelIdOf(consumer.address, 0)
    const total = 3n * whole
    const upTo = expiresAt
    const release = {
      provider: provider.address,
      amount: total,
      upTo,
      signature: sign(
        provider,
        'Release',
        [
          ['bytes32', 'channelId'],
          ['uint256', 'amount'],
          ['uint64', 'upTo'],
        ],
        { channelId, amount: total, upTo },
      ),
    }
    const releasesHash = keccak256(
      abi.encode(['tuple(address,uint256,uint64)[]'], [[[provider.address, total, upTo]]]),
    )
    const holder = library.makeAddress(place.channels)
    const participant = ({ address }) => ({
      participantId: address,
      signingAddress: address,
      destination: concat([`0x${'00'.repeat(12)}`, address]),
    })
    const state = {
      chainId: toBeHex(chainId),
      channelNonce: 0,
      participants: [participant(consumer), participant(hub)],
      appDefinition: holder,
      challengeDuration: 86_400,
      turnNum: 2,
      isFinal: true,
      appData: abi.encode(
        ['tuple(address,uint256)[]', 'bytes32'],
        [[[provider.address, total]], releasesHash],
      ),
      outcome: {
        type: 'SimpleAllocation',
        assetHolderAddress: holder,
        allocationItems: [{ destination: participant(consumer).destination, amount: toBeHex(MaxUint256) }],
      },
    }
    const signatureOf = (wallet) => Signature.from(library.signState(state, wallet.privateKey)).serialized
    return used(
      as(consumer).channels.conclude(
        {
          parties: { consumer: consumer.address, hub: hub.address, nonce: 0 },
          turnNum: 2,
          challengeDuration: 86_400,
          totals: [{ provider: provider.address, amount: total }],
          releases: [release],
        },
        signatureOf(consumer),
        signatureOf(hub),
      ),
    )
  }
}
