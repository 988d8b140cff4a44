import { registerHooks } from 'node:module'

/**
 * Modules through which a program reaches the world, and what stands in their place: the programs import these names and
 * get the simulation's.
 */
export const doors: Readonly<Record<string, string>> = {
  'better-sqlite3': './doors/sqlite.js',
  'node:child_process': './doors/childProcess.js',
  'node:crypto': './doors/crypto.js',
  'node:dgram': './doors/dgram.js',
  'node:dns': './doors/dns.js',
  'node:dns/promises': './doors/dnsPromises.js',
  'node:fs': './doors/fs.js',
  'node:fs/promises': './doors/fsPromises.js',
  'node:http': './doors/http.js',
  'node:https': './doors/http.js',
  'node:net': './doors/net.js',
  'node:timers/promises': './doors/timersPromises.js',
  'node:tls': './doors/tls.js',
  'node:worker_threads': './doors/workerThreads.js',
  ws: './doors/ws.js',
}

/**
 * Modules of ours in which a program asks its kernel for something: the rules of core meet a kernel of the simulation's. Whatever
 * decides about money stays as it is.
 */
export const kernelDoors: Readonly<Record<string, string>> = {
  'shared/dist/node/kernel/commandsAside': 'childProcess',
  'shared/dist/node/kernel/nftables': 'nftables',
  'shared/dist/node/kernel/nftablesReader': 'nftables',
  'shared/dist/node/kernel/nftSocket': 'nftables',
  'shared/dist/node/kernel/wireguard': 'wireguard',
  'shared/dist/node/link/certificate': 'certificate',
  'shared/dist/node/signing/mlKem': 'mlKem',
  ...Object.fromEntries(
    ['machine', 'network', 'probe', 'tableWatch', 'undo'].map((name) => [
      `provider/dist/io/kernel/${name}`,
      'providerMachine',
    ]),
  ),
  ...Object.fromEntries(
    [
      ...['bypass', 'connectedNetworks', 'deviceTraffic', 'dns', 'gateway', 'lockdown', 'lookUpAlone'],
      ...['namespace', 'networkPrint', 'ownRoot', 'recursiveResolver', 'restore', 'reversePath', 'routing'],
      ...['pathMtu', 'tunnel', 'upkeep'],
    ].map((name) => [`consumer/dist/io/kernel/${name}`, 'consumerMachine']),
  ),
  'consumer/dist/io/link/reachable': 'consumerMachine',
}
const ownKernelModule = /\/((?:shared|provider|consumer)\/dist\/.+)\.js$/

/** Code of ours that runs in a simulation as it is. */
const isProgram = (url: string): boolean => /\/(shared|hub|provider|consumer)\/dist\//.test(url)

/** From now on, the programs get the doors of the simulation. */
export function takeOverModules(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const thread = /\?thread=\d+$/.exec(context.parentURL ?? '')?.[0]
      if (thread && specifier === 'node:worker_threads')
        return { url: new URL(`./doors/thread.js${thread}`, import.meta.url).href, shortCircuit: true }
      const door = doors[specifier]
      if (!isProgram(context.parentURL ?? '')) return next(specifier, context)
      if (door === undefined) {
        const found = next(specifier, context)
        const kernelDoor = kernelDoors[ownKernelModule.exec(found.url)?.[1] ?? '']
        if (kernelDoor === undefined) return found
        return { url: new URL(`./doors/${kernelDoor}.js`, import.meta.url).href, shortCircuit: true }
      }
      return { url: new URL(door, import.meta.url).href, shortCircuit: true }
    },
  })
}
