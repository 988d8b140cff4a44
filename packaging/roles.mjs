/** What each program consists of, and which packages are made of them. */

/** @typedef {'consumer' | 'provider' | 'hub'} Role */

/** A process that starts commands for another one. */
const commandStarter = '../../shared/dist/node/kernel/commandStarter'

/**
 * Packets that a program carries are waste a moment later. Where much of it may gather before the young part of the heap is
 * looked through, V8 goes through the whole heap instead, again and again.
 */
const carriesPackets = ['--max-semi-space-size=2']

/**
 * - `flags`: of Node, which the program is started with.
 * - `entries`: built modules that are bundled, each into one file; the first is the program, the others its threads and processes.
 * - `addons`: packages with native parts, which stay beside the bundle.
 */
export const roles = {
  consumer: {
    program: 'pontage',
    flags: carriesPackets,
    entries: ['main', commandStarter],
    addons: ['secp256k1', 'koffi'],
  },
  provider: {
    program: 'pontage-provider',
    flags: carriesPackets,
    entries: ['main', commandStarter],
    addons: ['secp256k1', 'better-sqlite3', 'koffi'],
  },
  hub: {
    program: 'pontage-hub',
    flags: [],
    entries: ['main', 'io/signing/signerWorker', 'io/sqlite/storeWorker'],
    addons: ['secp256k1', 'better-sqlite3'],
  },
}

const tunnels = ['wireguard-tools', 'nftables', 'iproute2', 'iputils-ping']
const tunnelDrivers = ['wireguard-go | wireguard-modules']
// What carries the packets where a user without root runs a single program.
const withoutRoot = ['passt']

/** @type {readonly { name: string, roles: readonly Role[], depends: readonly string[], recommends: readonly string[], summary: string, description: readonly string[] }[]} */
export const packages = [
  {
    name: 'pontage',
    roles: ['consumer'],
    depends: tunnels,
    recommends: [...tunnelDrivers, ...withoutRoot],
    summary: 'VPN traffic by the megabyte, paid for as it flows',
    description: [
      'Connects this machine, or a single program, through a provider that is paid',
      'a signed promise for each megabyte. While a connection is meant to be up,',
      'nothing leaves the machine beside the tunnel.',
    ],
  },
  {
    name: 'pontage-provider',
    roles: ['provider'],
    depends: tunnels,
    recommends: tunnelDrivers,
    summary: 'sells VPN traffic by the megabyte',
    description: [
      'Offers WireGuard tunnels to the internet on a chain, meters them, stops what',
      'is not paid for, and turns the promises it was given into tokens.',
    ],
  },
  {
    name: 'pontage-hub',
    roles: ['hub'],
    depends: [],
    recommends: [],
    summary: 'guarantees promises of VPN consumers, and clears them',
    description: [
      'Keeps accounts between consumers and providers of VPN traffic, so that one',
      'channel can pay every provider, and stands for it with a stake.',
    ],
  },
  {
    name: 'pontage-all',
    roles: ['consumer', 'provider', 'hub'],
    depends: tunnels,
    recommends: [...tunnelDrivers, ...withoutRoot],
    summary: 'consumer, provider and hub of a decentralised VPN',
    description: [
      'Holds the programs of pontage, pontage-provider and pontage-hub, with one',
      'Node.js for all of them, and takes the place of these packages.',
    ],
  },
]
