/**
 * Writes the golden vectors that Solidity and TypeScript tests both read: every signed document, hashed and signed by
 * ethers alone, and final states by the state-channel library alone. The contracts they are for are those that
 * `deployer` deploys with its nonces 0 (registry), 1 (channels) and 2 (marketplace) on chain 31337.
 * With --check it fails when what is committed differs.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import walletCore from '@statechannels/wallet-core'
import { AbiCoder, getCreateAddress, id, keccak256, TypedDataEncoder, Wallet, zeroPadValue } from 'ethers'
import { workspace } from './binary.mjs'

const chainId = 31337
const wallets = Object.fromEntries(
  ['deployer', 'consumer', 'hub', 'provider', 'relayer'].map((name) => [
    name,
    new Wallet(id(`pontage ${name}`)),
  ]),
)
const addressOf = (name) => wallets[name].address.toLowerCase()
const deployed = (nonce) => getCreateAddress({ from: addressOf('deployer'), nonce }).toLowerCase()
const [registry, channels, marketplace] = [0, 1, 2].map(deployed)

const abi = AbiCoder.defaultAbiCoder()
const channelNonce = 7
const channelId = keccak256(
  abi.encode(
    ['uint256', 'address[]', 'uint256'],
    [chainId, [addressOf('consumer'), addressOf('hub')], channelNonce],
  ),
)
const bytes = (text) => id(text)
const whole = 10n ** 18n

/** Each document: who checks it, who signs it, its type as EIP-712 writes it, its values. */
const documents = [
  [
    'channels',
    'consumer',
    'MicroPromise(bytes32 channelId,address provider,uint256 amount)',
    [channelId, addressOf('provider'), 40n * whole],
  ],
  [
    'channels',
    'hub',
    'Guarantee(bytes32 channelId,address provider,uint256 ceiling,uint64 expiresAt)',
    [channelId, addressOf('provider'), 90n * whole, 1_800_003_600n],
  ],
  [
    'channels',
    'consumer',
    'GuaranteeRequest(bytes32 channelId,address provider,uint256 ceiling,uint64 issuedAt)',
    [channelId, addressOf('provider'), 90n * whole, 1_800_000_000n],
  ],
  [
    'channels',
    'hub',
    'HubPromise(address hub,address provider,uint256 total)',
    [addressOf('hub'), addressOf('provider'), 39n * whole],
  ],
  [
    'channels',
    'provider',
    'Release(address provider,bytes32 channelId,uint256 amount,uint64 upTo)',
    [addressOf('provider'), channelId, 40n * whole, 1_800_003_600n],
  ],
  [
    'marketplace',
    'provider',
    'SessionTerms(address provider,address consumer,bytes32 channelId,uint256 pricePerMegabyte,uint256 pricePerHour,uint256 creditBytes,uint64 issuedAt,uint64 validUntil)',
    [
      addressOf('provider'),
      addressOf('consumer'),
      channelId,
      50n,
      1_000n,
      2_000_000n,
      1_800_000_000n,
      1_800_000_060n,
    ],
  ],
  [
    'marketplace',
    'provider',
    'Proposal(address provider,string service,uint256 pricePerMegabyte,uint256 pricePerHour,string country,string endpoint,bytes32 wireguardKey,bytes32 certificate,string exitPolicy,address[] hubs,uint64 issuedAt)',
    [
      addressOf('provider'),
      'wireguard',
      50n,
      1_000n,
      'SI',
      'wss://vpn.example:8443',
      bytes('wireguard key'),
      bytes('certificate'),
      'reject tcp 25 – Grüße',
      [addressOf('hub'), addressOf('relayer')],
      1_800_000_000n,
    ],
  ],
  [
    'registry',
    'consumer',
    'Registration(address identity,uint8 roles,uint256 stake,address beneficiary,string url,uint256 relayFee,uint256 nonce,uint64 deadline)',
    [
      addressOf('consumer'),
      1n,
      2n * whole,
      addressOf('relayer'),
      'https://consumer.example',
      whole / 10n,
      0n,
      1_800_000_300n,
    ],
  ],
  [
    'channels',
    'consumer',
    'Opening(address consumer,address hub,uint48 channelNonce,uint256 amount,uint256 relayFee,uint64 deadline)',
    [
      addressOf('consumer'),
      addressOf('hub'),
      BigInt(channelNonce),
      100n * whole,
      whole / 10n,
      1_800_000_300n,
    ],
  ],
  [
    'channels',
    'consumer',
    'ExitRequest(bytes32 channelId,uint256 relayFee,uint64 deadline)',
    [channelId, whole / 10n, 1_800_000_300n],
  ],
  [
    'channels',
    'consumer',
    'Collection(address owner,address to,uint256 relayFee,uint256 nonce,uint64 deadline)',
    [addressOf('consumer'), addressOf('relayer'), whole / 10n, 0n, 1_800_600_000n],
  ],
  [
    'registry',
    'consumer',
    'Deposit(address consumer,address hub,uint48 channelNonce,uint256 amount,uint256 relayFee,uint256 nonce,uint64 deadline)',
    [
      addressOf('consumer'),
      addressOf('hub'),
      BigInt(channelNonce),
      5n * whole,
      whole / 10n,
      0n,
      1_800_000_300n,
    ],
  ],
  [
    'registry',
    'consumer',
    'Repayment(address consumer,address hub,uint48 channelNonce,address provider,uint256 amount,uint256 relayFee,uint256 nonce,uint64 deadline)',
    [
      addressOf('consumer'),
      addressOf('hub'),
      BigInt(channelNonce),
      addressOf('provider'),
      5n * whole,
      whole / 10n,
      0n,
      1_800_600_000n,
    ],
  ],
  [
    'registry',
    'consumer',
    'Unbonding(address identity,uint256 amount,uint256 relayFee,uint256 nonce,uint64 deadline)',
    [addressOf('consumer'), whole, whole / 10n, 0n, 1_800_000_300n],
  ],
  [
    'registry',
    'consumer',
    'StakeWithdrawal(address identity,uint256 relayFee,uint256 nonce,uint64 deadline)',
    [addressOf('consumer'), whole / 10n, 1n, 1_800_700_000n],
  ],
  [
    'channels',
    'provider',
    'Hello(bytes32 challenge,address peer,bytes32 certificate,uint32 wireVersion,uint64 issuedAt)',
    [bytes('challenge'), addressOf('consumer'), bytes('certificate'), 1n, 1_800_000_000n],
  ],
  [
    'channels',
    'consumer',
    'SessionReceipt(address provider,bytes32 channelId,uint256 amount,uint64 bytes,uint32 throughputKbps,uint8 score,uint64 endedAt)',
    [addressOf('provider'), channelId, 40n * whole, 800_000_000n, 94_000n, 5n, 1_800_000_900n],
  ],
  [
    'channels',
    'provider',
    'Invitation(address provider,address consumer,uint256 pricePerMegabyte,uint256 pricePerHour,string country,string endpoint,string path,bytes32 certificate,string exitPolicy,address[] hubs,uint64 issuedAt,uint64 expiresAt)',
    [
      addressOf('provider'),
      addressOf('consumer'),
      50n,
      1_000n,
      'SI',
      'www.example:443',
      '/0123456789abcdefghijkl',
      bytes('certificate'),
      'reject tcp 25 – Grüße',
      [addressOf('hub'), addressOf('relayer')],
      1_800_000_000n,
      1_802_592_000n,
    ],
  ],
  [
    'channels',
    'hub',
    'Liabilities(address hub,bytes32 root,uint256 sum,uint256 pool,uint64 blockNumber)',
    [addressOf('hub'), bytes('root'), 123n * whole, 200n * whole, 42n],
  ],
]

const verifiers = { channels, registry, marketplace }

function documentVector([verifier, signer, type, values]) {
  const [, name, list] = /^(\w+)\((.*)\)$/.exec(type)
  const fields = list.split(',').map((field) => {
    const [kind, label] = field.split(' ')
    return { name: label, type: kind }
  })
  const domain = { name: 'Pontage', version: '1', chainId, verifyingContract: verifiers[verifier] }
  const message = Object.fromEntries(fields.map((field, index) => [field.name, values[index]]))
  const digest = TypedDataEncoder.hash(domain, { [name]: fields }, message)
  return {
    name,
    verifier,
    verifyingContract: verifiers[verifier],
    chainId,
    fields: Object.fromEntries(
      Object.entries(message).map(([label, value]) => [
        label,
        typeof value === 'bigint' ? `${value}` : value,
      ]),
    ),
    digest,
    signer: addressOf(signer),
    signature: wallets[signer].signingKey.sign(digest).serialized,
  }
}

function finalStateVector(title, totals, releases, turnNum, isFinal) {
  const challengeDuration = 86_400
  const releasesHash = isFinal
    ? keccak256(abi.encode(['tuple(address,uint256,uint64)[]'], [releases]))
    : `0x${'00'.repeat(32)}`
  const participant = (name) => ({
    participantId: name,
    signingAddress: wallets[name].address,
    destination: zeroPadValue(wallets[name].address, 32),
  })
  const holder = walletCore.makeAddress(channels)
  const state = {
    chainId: `0x${chainId.toString(16)}`,
    channelNonce,
    participants: [participant('consumer'), participant('hub')],
    appDefinition: holder,
    challengeDuration,
    turnNum,
    isFinal,
    appData: abi.encode(['tuple(address,uint256)[]', 'bytes32'], [totals, releasesHash]),
    outcome: {
      type: 'SimpleAllocation',
      assetHolderAddress: holder,
      allocationItems: [{ destination: participant('consumer').destination, amount: `0x${'ff'.repeat(32)}` }],
    },
  }
  return {
    title,
    channelId: walletCore.calculateChannelId(state),
    turnNum,
    isFinal,
    challengeDuration,
    totals: totals.map(([provider, amount]) => ({ provider, amount: `${amount}` })),
    releases: releases.map(([provider, amount, upTo]) => ({ provider, amount: `${amount}`, upTo })),
    hash: walletCore.hashState(state),
    consumerSignature: walletCore.signState(state, wallets.consumer.privateKey),
    hubSignature: walletCore.signState(state, wallets.hub.privateKey),
  }
}

const provider = addressOf('provider')
const relayer = addressOf('relayer')
const inOrder = (list) => list.sort(([a], [b]) => (a < b ? -1 : 1))
const vectors = {
  documents: {
    chainId,
    deployer: addressOf('deployer'),
    registry,
    channels,
    marketplace,
    keys: Object.fromEntries(Object.entries(wallets).map(([name, wallet]) => [name, wallet.privateKey])),
    channel: { consumer: addressOf('consumer'), hub: addressOf('hub'), nonce: channelNonce, channelId },
    documents: Object.fromEntries(documents.map(documentVector).map((vector) => [vector.name, vector])),
  },
  states: {
    states: [
      finalStateVector('turn 0', [], [], 0, false),
      finalStateVector('turn 1', [], [], 1, false),
      finalStateVector('nothing owed', [], [], 2, true),
      finalStateVector(
        'one provider',
        [[provider, 40n * whole]],
        [[provider, 40n * whole, 1_800_003_600]],
        2,
        true,
      ),
      finalStateVector(
        'two providers, one released',
        inOrder([
          [provider, 40n * whole],
          [relayer, 5n * whole],
        ]),
        [[provider, 40n * whole, 1_800_003_600]],
        2,
        true,
      ),
    ],
  },
}

const check = process.argv.includes('--check')
for (const [name, value] of Object.entries(vectors)) {
  const path = join(workspace, 'test/vectors', `${name}.json`)
  const text = `${JSON.stringify(value, null, 2)}\n`
  if (!check) writeFileSync(path, text)
  else if (JSON.stringify(JSON.parse(readFileSync(path, 'utf8'))) !== JSON.stringify(value)) {
    console.error(`${path} is stale. Run "npm run vectors -w channel-contracts" and commit it.`)
    process.exitCode = 1
  }
}
