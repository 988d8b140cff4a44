import dns, { type LookupAddress } from 'node:dns'
import { readFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { isIP } from 'node:net'
import { resolverFile } from './dns.js'
import { lookUpAlone } from './lookUpAlone.js'

/** As long as the system's own resolver takes for a server that does not answer. */
const withinMs = 15_000

type Callback = (error: Error | null, found?: unknown, family?: number) => void

/**
 * Has this process ask for names by itself, where the machine has a resolver of its own ask: that one's questions do not leave
 * a machine that is locked down, and it asks for everybody. Node has one place for it, whoever looks up a name.
 */
export function askForNamesAlone(): void {
  if (!onlyItself()) return
  const usual = dns.lookup as (...words: unknown[]) => void
  const alone = (host: string, given: unknown, last?: Callback) => {
    const callback = (typeof given === 'function' ? given : last) as Callback
    const options = (typeof given === 'object' ? given : {}) as { all?: boolean; family?: number | string }
    if (isIP(host) > 0 || host === 'localhost') return usual(host, options, callback)
    found(host, options.family).then(
      (all) => {
        const [first] = all
        if (options.all) callback(null, all)
        else callback(null, first?.address, first?.family)
      },
      (error: Error) => callback(error),
    )
  }
  const alonePromised = async (host: string, options: { all?: boolean; family?: number } = {}) => {
    const all = isIP(host) > 0 ? [{ address: host, family: isIP(host) }] : await found(host, options.family)
    return options.all ? all : all[0]
  }
  Object.assign(dns, { lookup: alone })
  Object.assign(dns.promises, { lookup: alonePromised })
  syncBuiltinESMExports()
}

async function found(host: string, family: unknown): Promise<LookupAddress[]> {
  const addresses = (await lookUpAlone(host, withinMs)) ?? []
  const wanted = Number(/[46]/.exec(String(family ?? ''))?.[0] ?? 0)
  const all = addresses
    .map((address) => ({ address, family: isIP(address) }))
    .filter((each) => wanted === 0 || each.family === wanted)
  if (all.length > 0) return all
  throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND', hostname: host })
}

/** Whether the machine's file names resolvers on this machine only. */
function onlyItself(): boolean {
  try {
    const servers = [...readFileSync(resolverFile, 'utf8').matchAll(/^\s*nameserver\s+(\S+)/gm)]
    return servers.every(([, server = '']) => /^(127\.|::1$)/.test(server))
  } catch {
    return false
  }
}
