import type { Log as ChainLog, Filter, FilterByBlockHash, JsonRpcProvider } from 'ethers'
import { keccak256 } from '../signing/keccak.js'
import { isSilence } from './rpcRequest.js'

/** Newest blocks whose headers are compared: all of them where the chain is followed block by block. */
const checkedBlocks = 64
/** The same where headers say nothing, so that each block's receipts are read. */
const checkedByReceipts = 8

interface Header {
  readonly number: string
  readonly hash: string
  readonly logsBloom: string
  readonly transactions: readonly string[]
}

interface RawLog {
  readonly address: string
  readonly topics: readonly string[]
}

/** Headers of the blocks of a filter that are near the head, asked for beside its logs. */
export type NearHeaders = ReadonlyMap<number, Promise<Header | null>>

/** @param newest - Number of the newest block that is known. */
export function askNearHeaders(
  rpc: JsonRpcProvider,
  filter: Filter | FilterByBlockHash,
  newest: number,
): NearHeaders {
  if (!('fromBlock' in filter) || typeof filter.address !== 'string') return new Map()
  const { fromBlock, toBlock } = filter
  if (typeof fromBlock !== 'number' || typeof toBlock !== 'number') return new Map()
  const headers = new Map<number, Promise<Header | null>>()
  for (let number = Math.max(fromBlock, newest - checkedBlocks + 1); number <= toBlock; number++) {
    const header = rpc.send('eth_getBlockByNumber', [hexOf(number), false])
    header.catch(() => undefined) // The logs may fail first.
    headers.set(number, header)
  }
  return headers
}

/**
 * Looks for a block whose header and receipts speak of a log that the node's answer to eth_getLogs left out. Only near
 * the head: what is old was followed when it was new, or has many witnesses.
 *
 * @param near - What {@link askNearHeaders} gave for this filter.
 * @param newest - Number of the newest block that is known.
 * @returns The first such block; undefined when there is none among the newest 64, or 8 where headers' filters are full.
 * @throws Error when the blocks changed while they were compared.
 */
export async function findGap(
  rpc: JsonRpcProvider,
  filter: Filter | FilterByBlockHash,
  logs: readonly ChainLog[],
  near: NearHeaders,
  newest: number,
): Promise<number | undefined> {
  const contract = String(filter.address).toLowerCase()
  const told = new Set(logs.map(({ blockNumber }) => blockNumber))
  for (const [number, asked] of near) {
    const header = await asked
    if (told.has(number) || !header || !bloomMayHold(header.logsBloom, contract)) continue
    const isFull = isFilled(header.logsBloom)
    if (isFull && number <= newest - checkedByReceipts) continue
    const isWanted = ({ address, topics }: RawLog) =>
      address.toLowerCase() === contract && matches(filter.topics ?? [], topics)
    if (!(await holds(rpc, header, isFull, isWanted))) continue
    // Asked by its hash: a block that came in place of another meanwhile is no gap.
    const again: RawLog[] = await rpc.send('eth_getLogs', [{ blockHash: header.hash, address: contract }])
    if (again.some(isWanted)) throw new Error(`Block ${number} changed while its logs were read.`)
    return number
  }
  return undefined
}

/** Nodes that do not give all receipts of a block at once. */
const withoutBlockReceipts = new WeakSet<JsonRpcProvider>()

async function holds(
  rpc: JsonRpcProvider,
  header: Header,
  isFull: boolean,
  isWanted: (log: RawLog) => boolean,
): Promise<boolean> {
  if (!withoutBlockReceipts.has(rpc))
    try {
      const receipts: { logs: RawLog[] }[] | null = await rpc.send('eth_getBlockReceipts', [header.number])
      if (receipts) return receipts.some(({ logs }) => logs.some(isWanted))
    } catch (error) {
      if (isSilence(error)) throw error
      withoutBlockReceipts.add(rpc)
    }
  // Where every block may hold it, each of its receipts alone is more than a node gives.
  if (isFull) return false
  for (const hash of header.transactions) {
    const receipt: { logs: RawLog[] } | null = await rpc.send('eth_getTransactionReceipt', [hash])
    if (receipt?.logs.some(isWanted)) return true
  }
  return false
}

/** Whether a header's filter of 2,048 bits may speak of a contract (Ethereum yellow paper, section 4.3.1). */
export function bloomMayHold(bloom: string, contract: string): boolean {
  const bits = Buffer.from(bloom.slice(2), 'hex')
  const digest = keccak256(Buffer.from(contract.slice(2), 'hex'))
  return [0, 2, 4].every((at) => {
    const bit = digest.readUInt16BE(at) & 2_047
    return ((bits[bits.length - 1 - (bit >> 3)] ?? 0) & (1 << (bit & 7))) !== 0
  })
}

/** Whether a filter speaks of everything: some chains fill it instead of computing it. */
function isFilled(bloom: string): boolean {
  const ones = [...bloom.slice(2)].reduce((sum, digit) => sum + (onesOf[Number.parseInt(digit, 16)] ?? 0), 0)
  return ones > 1_536
}

const onesOf = [0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4]

const matches = (
  wanted: readonly (string | readonly string[] | null)[],
  topics: readonly string[],
): boolean =>
  wanted.every((each, index) => {
    if (each === null) return true
    const choices = typeof each === 'string' ? [each] : each
    return choices.some((choice) => choice.toLowerCase() === topics[index]?.toLowerCase())
  })

const hexOf = (number: number): string => `0x${number.toString(16)}`
