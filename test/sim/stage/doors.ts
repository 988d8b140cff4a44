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
      if (door === undefined || !isProgram(context.parentURL ?? '')) return next(specifier, context)
      return { url: new URL(door, import.meta.url).href, shortCircuit: true }
    },
  })
}
