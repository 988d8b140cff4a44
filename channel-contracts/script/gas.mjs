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
  IPaymentChannels__factory,
  TestToken__factory,
} from '../dist/ts/index.js'
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
      121_542,
    ],
    ["redeem a hub's promise, to where the provider says, second and later", gas.redeem, 61_500],
    ['redeem what waits, to where the provider says', gas.redeemWaiting, 52_500],
    ['redeem for 100 providers in one transaction, each', gas.redeemBatch100Each, 29_000],
    ['a transfer of the token', gas.tokenTransfer],
    ['draw by the hub, second and later', gas.drawByHub, 56_500],
    ['draw 20 promises to one provider in one transaction, each', gas.drawBatch20Each, 23_500],
    ['bytes of calldata of such a transaction, each draw', gas.calldataPerDraw, 170],
    [
      'draw under a guarantee and redeem, to where the provider says, in one transaction',
      gas.drawAndRedeem,
      109_500,
    ],
    ['conclude with one provider and its release', gas.conclude, 99_592],
    ['request an exit and exit', gas.exit, 77_260],
    ['request an exit for somebody, for a fee', gas.exitRequestRelayed],
    ['new storage slots: a newcomer registers and opens a channel', gas.newSlots.onboard, 2],
    ['new storage slots: a first draw', gas.newSlots.firstDraw, 1],
    ['new storage slots: conclude with ten providers', gas.newSlots.conclude10, 3],
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
    channels: IPaymentChannels__factory.connect(place.channels, wallet),
  })
  const receiptOf = async (sending) => (await sending).wait()
  const used = async (sending) => Number((await receiptOf(sending)).gasUsed)

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
        ['address', 'hub'],
        ['address', 'provider'],
        ['uint256', 'total'],
      ],
      { hub: hub.address, provider: to, total },
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
  const waiting = { hub: hub.address, provider: provider.address, total: 0, signature: '0x' }
  /** The hub draws the same total of each of these consumers for the provider. */
  const drawAll = (from, amount) =>
    as(hub).channels.drawBatch(
      provider.address,
      from.map((wallet) => {
        const signature = promise(wallet, channelIdOf(wallet.address, 0), provider.address, amount)
        const { r, yParityAndS: vs } = Signature.from(signature)
        return { consumer: wallet.address, nonce: 0, amount, r, vs }
      }),
    )
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

  const onboarding = await receiptOf(
    as(newcomer).registry.registerAndOpen(whole, hub.address, 0, 100n * whole),
  )

  // A first redemption and a first draw, so that those measured are later ones.
  const redeemAll = (total) =>
    used(
      as(hub).channels.redeemMany(
        hub.address,
        providers.map(({ address }) => {
          const { r, yParityAndS: vs } = Signature.from(redemption(address, total).signature)
          return { provider: address, total, r, vs }
        }),
      ),
    )
  await redeemAll(whole)
  const firstDraw = await receiptOf(drawAll([consumer], whole))
  const redeem = await used(
    as(provider).channels.redeemTo(redemption(provider.address, 3n * whole), provider.address),
  )
  const batch = await redeemAll(5n * whole)
  const tokenTransfer = await used(as(deployer).token.transfer(relayer.address, whole))
  const drawByHub = await used(drawAll([consumer], 2n * whole))

  // Twenty consumers' promises to one provider, each drawn before.
  const many = await Promise.all(Array.from({ length: 20 }, (_, i) => account(`consumer ${i}`)))
  for (const wallet of many) {
    await used(as(deployer).token.transfer(wallet.address, 1_000n * whole))
    await used(as(wallet).token.approve(place.registry, MaxUint256))
    await used(as(wallet).token.approve(place.channels, MaxUint256))
    await used(as(wallet).registry.register(1, whole, wallet.address, ''))
    await used(as(wallet).channels.open(hub.address, 0, 300n * whole))
  }
  await used(drawAll(many, whole))
  const drawing = await drawAll(many, 2n * whole)
  const drawBatch = await used(Promise.resolve(drawing))
  // What those left waits for the provider.
  await used(drawAll(many, 20n * whole))
  await used(as(provider).channels.redeem(waiting))
  await used(drawAll(many, 21n * whole))
  const redeemWaiting = await used(as(provider).channels.redeemTo(waiting, provider.address))

  // Without the hub: a guarantee, and what is drawn is redeemed in the same transaction.
  const { timestamp } = await rpc.getBlock('latest')
  const expiresAt = timestamp + 3_600
  const guaranteed = (amount) => ({
    ...byHub(newcomer, 0, provider.address, amount),
    ceiling: 50n * whole,
    expiresAt,
    guaranteeSignature: guarantee(channelIdOf(newcomer.address, 0), provider.address, 50n * whole, expiresAt),
  })
  const drawAndRedeem = await used(
    as(provider).channels.drawAndRedeem([guaranteed(20n * whole)], waiting, provider.address),
  )

  const concluded = await conclude(consumer, [provider], 3n * whole)
  const concludedTen = await conclude(many[1], providers.slice(1, 11), 22n * whole)
  const requestExit = await used(as(many[0]).channels.requestExit(hub.address, 0))
  const relayed = await relayExit(many[2])
  await rpc.send('evm_increaseTime', [54 * 3_600])
  await rpc.send('evm_mine', [])
  const exit = await used(
    as(many[0]).channels.exit({ consumer: many[0].address, hub: hub.address, nonce: 0 }, []),
  )

  return {
    onboardConsumer: Number(onboarding.gasUsed),
    redeem,
    redeemWaiting,
    redeemBatch100Each: Math.ceil(batch / 100),
    tokenTransfer,
    drawByHub,
    drawBatch20Each: Math.ceil(drawBatch / 20),
    calldataPerDraw: Math.ceil((drawing.data.length - 2) / 2 / 20),
    drawAndRedeem,
    conclude: Number(concluded.gasUsed),
    exit: requestExit + exit,
    exitRequestRelayed: relayed,
    newSlots: {
      onboard: await newSlotsOf(onboarding),
      firstDraw: await newSlotsOf(firstDraw),
      conclude10: await newSlotsOf(concludedTen),
    },
  }

  /** How many storage slots a transaction filled that were empty before. */
  async function newSlotsOf({ hash }) {
    const tracer = { tracer: 'prestateTracer', tracerConfig: { diffMode: true } }
    const { pre, post } = await rpc.send('debug_traceTransaction', [hash, tracer])
    const filled = Object.entries(post).flatMap(([address, { storage }]) =>
      Object.entries(storage ?? {}).filter(
        ([slot, value]) => BigInt(value) > 0n && BigInt(pre[address]?.storage?.[slot] ?? 0) === 0n,
      ),
    )
    return filled.length
  }

  async function relayExit(from) {
    const channelId = channelIdOf(from.address, 0)
    const relayFee = whole / 10n
    const fields = [
      ['bytes32', 'channelId'],
      ['uint256', 'relayFee'],
      ['uint64', 'deadline'],
    ]
    const signature = sign(from, 'ExitRequest', fields, { channelId, relayFee, deadline: expiresAt })
    const parties = { consumer: from.address, hub: hub.address, nonce: 0 }
    return used(as(relayer).channels.requestExitFor(parties, relayFee, expiresAt, signature))
  }

  /** Both parties close: so much for each of these providers, all of whom release. */
  async function conclude(from, to, total) {
    const { default: library } = await import('@statechannels/wallet-core')
    const abi = AbiCoder.defaultAbiCoder()
    const channelId = channelIdOf(from.address, 0)
    const upTo = expiresAt
    const inOrder = to.toSorted((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1))
    const releases = inOrder.map((by) => ({
      provider: by.address,
      amount: total,
      upTo,
      signature: sign(
        by,
        'Release',
        [
          ['address', 'provider'],
          ['bytes32', 'channelId'],
          ['uint256', 'amount'],
          ['uint64', 'upTo'],
        ],
        { provider: by.address, channelId, amount: total, upTo },
      ),
    }))
    const releasesHash = keccak256(
      abi.encode(['tuple(address,uint256,uint64)[]'], [inOrder.map(({ address }) => [address, total, upTo])]),
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
      participants: [participant(from), participant(hub)],
      appDefinition: holder,
      challengeDuration: 86_400,
      turnNum: 2,
      isFinal: true,
      appData: abi.encode(
        ['tuple(address,uint256)[]', 'bytes32'],
        [inOrder.map(({ address }) => [address, total]), releasesHash],
      ),
      outcome: {
        type: 'SimpleAllocation',
        assetHolderAddress: holder,
        allocationItems: [{ destination: participant(from).destination, amount: toBeHex(MaxUint256) }],
      },
    }
    const signatureOf = (wallet) => Signature.from(library.signState(state, wallet.privateKey)).serialized
    return receiptOf(
      as(consumer).channels.conclude(
        {
          parties: { consumer: from.address, hub: hub.address, nonce: 0 },
          turnNum: 2,
          challengeDuration: 86_400,
          totals: inOrder.map(({ address }) => ({ provider: address, amount: total })),
          releases,
        },
        signatureOf(from),
        signatureOf(hub),
      ),
    )
  }
}
