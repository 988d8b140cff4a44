import { BlockList, isIPv4 } from 'node:net'
import { timeline } from '../stage/timeline.js'

/** A packet as rules see it: TCP over IPv4, after every translation of addresses. */
export interface Packet {
  readonly from: string
  readonly to: string
  readonly sourcePort: number
  readonly port: number
  /** The devices that it came by and leaves by; undefined where the machine itself sends or takes it. */
  readonly in?: string
  readonly out?: string
  readonly bytes: bigint
  /** Whether whoever gets it asked for it, or asks by it. */
  readonly isAsked: boolean
}

export type Hook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting'
type Verdict = 'accept' | 'drop' | 'return' | { readonly goto: string } | { readonly jump: string }
/** Goes on, ends the rule, or decides. */
type Term = (packet: Packet) => boolean | Verdict

interface Counter {
  packets: bigint
  bytes: bigint
}

interface Chain {
  readonly name: string
  readonly hook?: Hook | undefined
  readonly isNat: boolean
  readonly priority: number
  readonly policy: 'accept' | 'drop'
  readonly lines: string[]
  rules: Term[][]
}

/** One table: its objects by name. */
export class Table {
  readonly counters = new Map<string, Counter>()
  readonly quotas = new Map<string, { over: bigint; used: bigint }>()
  readonly sets = new Map<string, Set<string>>()
  /** Sets that forget: until when each has its addresses. */
  readonly recent = new Map<string, { readonly forMs: number; readonly until: Map<string, number> }>()
  readonly maps = new Map<string, Map<string, string>>()
  readonly chains = new Map<string, Chain>()
}

/** What nft refuses, as its own program would say it. */
export class NftRefused extends Error {}

/**
 * The firewall of one machine: reads the texts that the programs give nft, and judges packets by their rules. Of the language it
 * knows what our rules say; what it does not know it refuses, and what concerns other packets than it has never matches.
 */
export class Nft {
  readonly tables = new Map<string, Table>()

  /** Takes a text as `nft -f` does. @throws NftRefused */
  apply(text: string): void {
    const lines = text.split('\n').map((line) => line.trim())
    for (let at = 0; at < lines.length; at++) {
      const line = lines[at] ?? ''
      const opened = /^table inet (\w+) \{$/.exec(line)?.[1]
      if (opened === undefined) {
        for (const command of line.split(/; (?=add |delete |flush |table )/)) this.#command(command)
        continue
      }
      const body: string[] = []
      for (let depth = 1; depth > 0; ) {
        const next = lines[++at]
        if (next === undefined) throw new NftRefused(`table ${opened} does not end`)
        depth += count(next, '{') - count(next, '}')
        if (depth > 0) body.push(next)
      }
      this.#load(this.#table(opened), body)
    }
  }

  /** Whether every chain of a hook lets a packet pass, in their order; what it passes counts it. */
  passes(hook: Hook, packet: Packet): boolean {
    const chains = [...this.tables.values()]
      .flatMap((table) => [...table.chains.values()].map((chain) => ({ table, chain })))
      .filter(({ chain }) => chain.hook === hook && !chain.isNat)
      .sort((a, b) => a.chain.priority - b.chain.priority)
    return chains.every(({ table, chain }) => {
      const verdict = judge(table, chain, packet)
      return verdict === undefined || verdict === 'return' ? chain.policy === 'accept' : verdict === 'accept'
    })
  }

  #table(name: string): Table {
    const table = this.tables.get(name) ?? new Table()
    this.tables.set(name, table)
    return table
  }

  #existing(name: string): Table {
    const table = this.tables.get(name)
    if (!table) throw new NftRefused(`Error: No such file or directory: table ${name}`)
    return table
  }

  #load(table: Table, body: readonly string[]): void {
    for (let at = 0; at < body.length; at++) {
      const line = body[at] ?? ''
      if (line === '') continue
      const [, kind = '', name = '', rest = ''] = /^(\w+) (\S+) \{(.*)$/.exec(line) ?? []
      if (kind === 'chain') {
        const rules: string[] = []
        if (!rest.includes('}')) while (body[++at] !== '}') rules.push(body[at] ?? '')
        this.#chain(table, name, rules)
      } else if (kind === 'set') {
        const elements = /elements = \{([^}]*)\}/.exec(rest)?.[1] ?? ''
        table.sets.set(name, new Set(listed(elements)))
        const seconds = /timeout (\d+)s;/.exec(rest)?.[1]
        if (seconds) table.recent.set(name, { forMs: Number(seconds) * 1_000, until: new Map() })
      } else if (kind === 'map') table.maps.set(name, new Map())
      else if (kind === 'counter') table.counters.set(name, { packets: 0n, bytes: 0n })
      else if (kind === 'quota') table.quotas.set(name, { over: bytesIn(rest), used: 0n })
      else throw new NftRefused(`not understood: ${line}`)
    }
    for (const chain of table.chains.values()) chain.rules = chain.lines.map((rule) => compile(table, rule))
  }

  #chain(table: Table, name: string, lines: string[]): void {
    const [, type, hook, priority = '0', policy] =
      /^type (\w+) hook (\w+) priority ([^;]+); policy (\w+);$/.exec(lines[0] ?? '') ?? []
    table.chains.set(name, {
      ...{ name, isNat: type === 'nat', hook: hook as Hook | undefined, priority: priorityOf(priority) },
      ...{ policy: policy === 'drop' ? 'drop' : 'accept', rules: [] },
      lines: type === undefined ? lines : lines.slice(1),
    })
  }

  #command(command: string): void {
    if (command === '') return
    const [verb = '', kind = '', ...rest] = command.split(' ')
    if (verb === 'table') return void this.#table(rest[0] ?? '')
    const [family, tableName = '', name = ''] = rest
    if (family !== 'inet') throw new NftRefused(`not understood: ${command}`)
    if (verb === 'delete' && kind === 'table') return void this.tables.delete(tableName)
    const table = this.#existing(tableName)
    const braced = /\{([^}]*)\}/.exec(command)?.[1] ?? ''
    const does: Readonly<Record<string, () => unknown>> = {
      'add counter': () => table.counters.set(name, { packets: 0n, bytes: 0n }),
      'delete counter': () => table.counters.delete(name) || refuse(command),
      'add quota': () =>
        table.quotas.set(name, { over: bytesIn(braced), used: table.quotas.get(name)?.used ?? 0n }),
      'delete quota': () => table.quotas.delete(name) || refuse(command),
      'add element': () => addElements(table, name, braced) || refuse(command),
      'delete element': () =>
        listed(braced).every((each) => takeElement(table, name, each)) || refuse(command),
      'flush set': () => table.sets.get(name)?.clear(),
      'add rule': () => {
        const chain = table.chains.get(name) ?? refuse(command)
        const rule = command.split(' ').slice(5).join(' ')
        chain.lines.push(rule)
        chain.rules.push(compile(table, rule))
      },
    }
    ;(does[`${verb} ${kind}`] ?? (() => refuse(command)))()
  }
}

const refuse = (command: string): never => {
  throw new NftRefused(`Error: No such file or directory, or not understood: ${command}`)
}

const count = (text: string, sign: string): number => text.split(sign).length - 1
const bytesIn = (text: string): bigint => BigInt(/over (\d+) bytes/.exec(text)?.[1] ?? refuse(text))
const listed = (text: string): string[] =>
  text
    .split(',')
    .map((each) => unquoted(each.trim()))
    .filter((each) => each !== '')
const unquoted = (text: string): string => text.replace(/^"(.*)"$/, '$1')

function addElements(table: Table, name: string, text: string): boolean {
  const map = table.maps.get(name)
  const set = table.sets.get(name)
  for (const element of listed(text)) {
    const [key = '', value] = element.split(' : ')
    if (map && value !== undefined) map.set(key, unquoted(value))
    else if (set) set.add(key)
    else return false
  }
  return true
}

const takeElement = (table: Table, name: string, key: string): boolean =>
  table.maps.get(name)?.delete(key) ?? table.sets.get(name)?.delete(key) ?? false

const named: Readonly<Record<string, number>> = { mangle: -150, dstnat: -100, filter: 0, srcnat: 100 }
function priorityOf(text: string): number {
  const [word = '', sign, more = '0'] = text.trim().split(' ')
  const base = named[word] ?? Number(word)
  return sign === '-' ? base - Number(more) : base + Number(more)
}

function judge(table: Table, chain: Chain, packet: Packet): Verdict | undefined {
  for (const rule of chain.rules) {
    const verdict = judgeBy(rule, packet)
    if (verdict === undefined) continue
    if (typeof verdict === 'string') return verdict
    const next = table.chains.get('goto' in verdict ? verdict.goto : verdict.jump)
    const decided = next && judge(table, next, packet)
    if ('goto' in verdict) return decided ?? 'return'
    if (decided === 'accept' || decided === 'drop') return decided
  }
  return undefined
}

function judgeBy(rule: readonly Term[], packet: Packet): Verdict | undefined {
  for (const term of rule) {
    const found = term(packet)
    if (found === false) return undefined
    if (found !== true) return found
  }
  return undefined
}

const never: Term = () => false
/** What only other packets have, or what is not modelled: connections are not counted, nothing is marked or translated. */
const elsewhere: readonly RegExp[] = [
  /^ip6 /,
  /^ip (frag-off|hoplimit)/,
  /^meta (mark|skuid|nfproto ipv6)/,
  /^meta l4proto != \{ tcp, udp \}/,
  /^udp /,
  /^icmp/,
  /^tcp (flags|option)/,
  /^ct (mark|status|original)/,
  /^ct state (new add|invalid)/,
  /^(masquerade|dnat|meta priority)/,
]

/** A rule, term by term. */
function compile(table: Table, rule: string): Term[] {
  const terms: Term[] = []
  let rest = rule.trim()
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    const found = pattern.exec(rest) ?? undefined
    if (found) rest = rest.slice(found[0].length).trimStart()
    return found
  }
  while (rest !== '') {
    if (elsewhere.some((pattern) => pattern.test(rest))) return [...terms, never]
    terms.push(next(table, take) ?? refuse(`${rule} (at "${rest}")`))
  }
  return terms
}

type Take = (pattern: RegExp) => RegExpExecArray | undefined

function next(table: Table, take: Take): Term | undefined {
  const device = take(/^(iifname|oifname) (!= )?("[^"]*"|@\w+)/)
  if (device) {
    const [, side, not, value = ''] = device
    const has = members(table, value)
    return (packet) => has((side === 'iifname' ? packet.in : packet.out) ?? '') === (not === undefined)
  }
  const address = take(/^ip (saddr|daddr) (!= )?(\{[^}]*\}|[^\s]+)(?! map)/)
  if (address) {
    const [, side, not, value = ''] = address
    const has = members(table, value)
    return (packet) => has(side === 'saddr' ? packet.from : packet.to) === (not === undefined)
  }
  const port = take(/^(?:th|tcp) (sport|dport) (!= )?(\{[^}]*\}|[\d-]+)/)
  if (port) {
    const [, side, not, value = ''] = port
    const has = members(table, value)
    return (packet) => has(`${side === 'sport' ? packet.sourcePort : packet.port}`) === (not === undefined)
  }
  const state = take(/^ct state (!= )?(\{[^}]*\}|[\w,]+)/)
  if (state) {
    const has = members(table, `{${state[2]?.replace(/[{}]/g, '')}}`)
    return ({ isAsked }) => has(isAsked ? 'established' : 'new') === (state[1] === undefined)
  }
  if (take(/^meta nfproto ipv4/) || take(/^meta l4proto (\{ tcp, udp \}|tcp)/)) return () => true
  if (take(/^fib (saddr|daddr) type != local/)) return () => true
  if (take(/^(counter name|quota name) ip6 .*$/)) return never
  const counter = take(/^counter name (?:ip (saddr|daddr) map @(\w+)|"?(\w+)"?)/)
  if (counter) return counting(table, objectNamed(table, counter))
  const quota = take(/^quota name (?:ip (saddr|daddr) map @(\w+)|"?(\w+)"?)/)
  if (quota) return overQuota(table, objectNamed(table, quota))
  const noted = take(/^add @(moved\d) \{ (ip6?) (saddr|daddr) \}/)
  if (noted) return noted[2] === 'ip6' ? never : noting(table, noted[1] ?? '', noted[3] === 'saddr')
  const way = take(/^(goto|jump) (\w+)/)
  if (way) return () => (way[1] === 'goto' ? { goto: way[2] ?? '' } : { jump: way[2] ?? '' })
  if (take(/^reject( with .*)?$/)) return () => 'drop'
  const verdict = take(/^(accept|drop|return)/)?.[1]
  return verdict === undefined ? undefined : () => verdict as Verdict
}

/** The object that a rule names, or a map by the packet's address. */
const objectNamed =
  (table: Table, [, side, map, name]: RegExpExecArray) =>
  (packet: Packet): string | undefined =>
    map === undefined ? name : table.maps.get(map)?.get(side === 'saddr' ? packet.from : packet.to)

/** Remembers whose packet it was for as long as the set does. */
function noting(table: Table, set: string, isSource: boolean): Term {
  const { forMs, until } = table.recent.get(set) ?? refuse(set)
  return ({ from, to }) => {
    until.set(isSource ? from : to, timeline().nowMs + forMs)
    return true
  }
}

const counting =
  (table: Table, of: (packet: Packet) => string | undefined): Term =>
  (packet) => {
    const counter = table.counters.get(of(packet) ?? '')
    if (!counter) return false
    counter.packets += 1n
    counter.bytes += packet.bytes
    return true
  }

/** A packet over the quota uses it up, too. */
const overQuota =
  (table: Table, of: (packet: Packet) => string | undefined): Term =>
  (packet) => {
    const quota = table.quotas.get(of(packet) ?? '')
    if (!quota) return false
    quota.used += packet.bytes
    return quota.used > quota.over
  }

/** Whether something is what a rule says: one value, several, or what is in a set by then. */
function members(table: Table, text: string): (value: string) => boolean {
  if (text.startsWith('@')) {
    const recent = table.recent.get(text.slice(1))
    if (recent) return (value) => (recent.until.get(value) ?? 0) > timeline().nowMs
    const set = table.sets.get(text.slice(1))
    if (!set) return refuse(text)
    let known: { of: number; has: (value: string) => boolean } | undefined
    return (value) => {
      if (known?.of !== set.size) known = { of: set.size, has: among([...set]) }
      return set.has(value) || known.has(value)
    }
  }
  return among(text.startsWith('{') ? listed(text.slice(1, -1)) : [unquoted(text)])
}

function among(values: readonly string[]): (value: string) => boolean {
  const exact = new Set(values)
  const ranges = values.filter((value) => /^\d+\.\d+\.\d+\.\d+[/-]/.test(value))
  if (ranges.length === 0) return (value) => exact.has(value)
  const list = new BlockList()
  for (const range of ranges) {
    const [first = '', bits = ''] = range.split('/')
    const [from = '', to = ''] = range.split('-')
    if (range.includes('/')) list.addSubnet(first, Number(bits), 'ipv4')
    else list.addRange(from, to, 'ipv4')
  }
  return (value) => exact.has(value) || (isIPv4(value) && list.check(value, 'ipv4'))
}
