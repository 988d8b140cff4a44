import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** How a node, or whoever stands before it, treats those who ask. */
export interface Habits {
  /** Questions it takes in one message, and how it refuses more. */
  batchLimit?: number
  batchRefusal?: 'status' | 'error' | 'each'
  /** Blocks it takes in one eth_getLogs. */
  rangeLimit?: number
  /** Whether its refusal of a range says how many it takes. */
  saysRange?: boolean
  /** Messages of which the last is answered with 429. */
  busyEvery?: number
  /** Calls of eth_getLogs after which it fails. */
  failsAfter?: number
  /** Whether the filters in its headers are filled with ones. */
  fullBlooms?: boolean
  /** Whether it leaves logs out of eth_getLogs. */
  hidesLogs?: boolean
  /** Methods it does not know. */
  unknownMethods?: readonly string[]
  /** Whether it estimates gas as of its newest block, as most nodes do, not as of what waits in its pool. */
  estimatesOnLatest?: boolean
  /** Whether its blocks have no base fee, and it takes no transactions that speak of one (before EIP-1559). */
  withoutBaseFee?: boolean
  /** Blocks without anything in them that follow the block `after`. Those from `since` on have other hashes. */
  emptyBlocks?: { after: number; count: number; since?: number; salt?: number }
  /** `user:password` that it wants to be shown. */
  login?: string
}

/** A node as people find them: a real one behind habits, which may change at any time. */
export interface StreetNode {
  readonly url: string
  readonly port: number
  habits: Habits
  /** How often each method was asked, and how many messages came. */
  readonly asked: Map<string, number>
  /** Spans of the eth_getLogs that were answered. */
  readonly ranges: [number, number][]
  /** Tags of blocks that were asked for by name. */
  readonly tags: Set<string>
  refusals: number
  close(): Promise<void>
}

interface Question {
  readonly id: number
  readonly method: string
  readonly params: unknown[]
}

/** @param url - The real node. @param host - Address to listen on. */
export async function startStreetNode(
  url: string,
  habits: Habits = {},
  { host = '127.0.0.1', port: wanted = 0 } = {},
): Promise<StreetNode> {
  let messages = 0
  const server = createServer((request, response) => {
    void bodyOf(request)
      .then((body) => answerTo(request, body, response))
      .catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(wanted, host, resolve))
  const { port } = server.address() as { port: number }
  const node: StreetNode = {
    url: `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`,
    ...{ port, habits, asked: new Map(), ranges: [], tags: new Set(), refusals: 0 },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }

  async function answerTo(request: IncomingMessage, body: string, response: ServerResponse): Promise<void> {
    messages += 1
    const { login, busyEvery, batchLimit, batchRefusal = 'error' } = node.habits
    if (login !== undefined && request.headers.authorization !== `Basic ${btoa(login)}`)
      return void response.writeHead(401).end('who are you?')
    if (busyEvery !== undefined && messages % busyEvery === 0)
      return void response.writeHead(429, { 'retry-after': '0' }).end('slow down')
    const parsed = JSON.parse(body) as Question | Question[]
    const questions = [parsed].flat()
    const send = (value: unknown, status = 200) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    if (Array.isArray(parsed) && batchLimit !== undefined && parsed.length > batchLimit) {
      node.refusals += 1
      const error = { code: -32_600, message: `Batch of more than ${batchLimit} requests are not allowed` }
      if (batchRefusal === 'status') return void response.writeHead(413).end('too large')
      if (batchRefusal === 'error') return send({ jsonrpc: '2.0', id: null, error })
      return send(parsed.map(({ id }) => ({ jsonrpc: '2.0', id, error })))
    }
    const answers = await Promise.all(questions.map((question) => answerOne(node, url, question)))
    if (answers.includes(undefined)) return void response.writeHead(500).end('something is wrong')
    return send(Array.isArray(parsed) ? answers : answers[0])
  }
  return node
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString()
}

/** The answer to one question; undefined where the node fails. */
async function answerOne(node: StreetNode, url: string, { id, method, params }: Question): Promise<unknown> {
  const { habits } = node
  node.asked.set(method, (node.asked.get(method) ?? 0) + 1)
  for (const each of params) if (typeof each === 'string' && /^[a-z]+$/.test(each)) node.tags.add(each)
  const result = (value: unknown) => ({ jsonrpc: '2.0', id, result: value })
  const refused = (message: string, code = -32_000) => ({ jsonrpc: '2.0', id, error: { code, message } })
  const old = ['eth_maxPriorityFeePerGas', 'eth_feeHistory', 'eth_blobBaseFee']
  if (habits.unknownMethods?.includes(method) || (habits.withoutBaseFee && old.includes(method)))
    return refused(`the method ${method} does not exist/is not available`, -32_601)
  if (habits.withoutBaseFee && method === 'eth_sendRawTransaction' && `${params[0]}`.startsWith('0x02'))
    return refused('transaction type not supported')
  const asked = toReal(habits, method, params)
  if (method === 'eth_getLogs') {
    const filter = params[0] as { fromBlock?: string; toBlock?: string }
    if (filter.fromBlock !== undefined) {
      const [from, to] = [Number(filter.fromBlock), Number(filter.toBlock)]
      const { rangeLimit, saysRange = false } = habits
      if (rangeLimit !== undefined && to - from + 1 > rangeLimit) {
        node.refusals += 1
        return refused(saysRange ? `block range is limited to ${rangeLimit} blocks` : 'query exceeds limits')
      }
      if (node.ranges.length >= (habits.failsAfter ?? Number.POSITIVE_INFINITY)) return undefined
      node.ranges.push([from, to])
    }
    if (habits.hidesLogs) return result([])
  }
  if ('answer' in asked) return result(asked.answer)
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params: asked.params }),
  })
  const said = (await response.json()) as { result?: unknown; error?: unknown }
  return 'result' in said ? result(shown(habits, method, said.result)) : { jsonrpc: '2.0', id, ...said }
}

const hex = (number: number): string => `0x${number.toString(16)}`
const isNumber = (value: unknown): value is string =>
  typeof value === 'string' && /^0x[0-9a-f]{1,15}$/i.test(value)
const real = ({ emptyBlocks }: Habits, block: number): number =>
  emptyBlocks === undefined || block <= emptyBlocks.after
    ? block
    : Math.max(emptyBlocks.after, block - emptyBlocks.count)
const told = ({ emptyBlocks }: Habits, block: number): number =>
  emptyBlocks === undefined || block <= emptyBlocks.after ? block : block + emptyBlocks.count
const isEmpty = ({ emptyBlocks }: Habits, block: number): boolean =>
  emptyBlocks !== undefined && block > emptyBlocks.after && block <= emptyBlocks.after + emptyBlocks.count

/** A question as the real node understands it, or the answer where it has no such block. */
function toReal(
  habits: Habits,
  method: string,
  params: unknown[],
): { params: unknown[] } | { answer: unknown } {
  if (method === 'eth_estimateGas' && habits.estimatesOnLatest) return { params: [params[0], 'latest'] }
  if (habits.emptyBlocks === undefined) return { params }
  if (method === 'eth_getLogs') {
    const filter = params[0] as { fromBlock?: string; toBlock?: string }
    if (!isNumber(filter.fromBlock) || !isNumber(filter.toBlock)) return { params }
    const first = Number(filter.fromBlock)
    const from = isEmpty(habits, first) ? habits.emptyBlocks.after + 1 : real(habits, first)
    const to = real(habits, Number(filter.toBlock))
    if (from > to) return { answer: [] }
    return { params: [{ ...filter, fromBlock: hex(from), toBlock: hex(to) }] }
  }
  if (method === 'eth_getBlockByNumber' && isNumber(params[0]) && isEmpty(habits, Number(params[0])))
    return { answer: emptyBlock(habits, Number(params[0])) }
  if (method === 'eth_getBlockReceipts' && isNumber(params[0]) && isEmpty(habits, Number(params[0])))
    return { answer: [] }
  // Block numbers are never the first of several but in these; other first parameters are transactions and addresses.
  const isFirst = ['eth_getBlockByNumber', 'eth_getBlockReceipts'].includes(method)
  return {
    params: params.map((each, index) =>
      isNumber(each) && (isFirst ? index === 0 : index > 0) && method !== 'eth_getStorageAt'
        ? hex(real(habits, Number(each)))
        : each,
    ),
  }
}

function emptyBlock({ emptyBlocks }: Habits, number: number): object {
  const isOther = emptyBlocks?.since !== undefined && number >= emptyBlocks.since
  const hashOf = (block: number) =>
    `0x${(isOther ? (emptyBlocks?.salt ?? 1) : 0).toString(16).padStart(8, 'e')}${block.toString(16).padStart(56, '0')}`
  const zero = (bytes: number) => `0x${'00'.repeat(bytes)}`
  return {
    ...{ number: hex(number), hash: hashOf(number), parentHash: hashOf(number - 1), transactions: [] },
    ...{ timestamp: hex(1_700_000_000), logsBloom: zero(256), nonce: zero(8), difficulty: '0x0' },
    ...{ gasLimit: '0x1c9c380', gasUsed: '0x0', miner: zero(20), extraData: '0x', baseFeePerGas: '0x7' },
    ...{ stateRoot: zero(32), receiptsRoot: zero(32), transactionsRoot: zero(32), mixHash: zero(32) },
    ...{ sha3Uncles: zero(32), size: '0x1', uncles: [] },
  }
}

/** An answer of the real node as this one gives it. */
function shown(habits: Habits, method: string, value: unknown): unknown {
  if (method === 'eth_blockNumber') return hex(told(habits, Number(value)))
  if (Array.isArray(value)) return value.map((each) => shown(habits, method, each))
  if (typeof value !== 'object' || value === null) return value
  const object: Record<string, unknown> = { ...value }
  for (const [key, each] of Object.entries(object)) {
    const isBlock = key === 'blockNumber' || (key === 'number' && 'hash' in object)
    if (isBlock && isNumber(each)) object[key] = hex(told(habits, Number(each)))
    else if (typeof each === 'object') object[key] = shown(habits, method, each)
  }
  if (habits.fullBlooms && 'logsBloom' in object) object.logsBloom = `0x${'ff'.repeat(256)}`
  if (habits.withoutBaseFee) delete object.baseFeePerGas
  return object
}
