import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { address, unixSeconds } from '@pontage/shared'
import type { Chain } from '@pontage/shared/node'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newestLogs } from './logCache.js'

const contract = address(`0x${'ab'.repeat(20)}`)
const query = { name: 'events', contract, topics: [['0x01']] }

/** A chain in memory: each block is a hash and its events, which name what they are about. */
class MemoryChain {
  blocks: { hash: string; events: { about: string; said: string }[] }[] = [{ hash: 'genesis', events: [] }]
  #made = 0
  asked: [number, number][] = []

  mine(events: { about: string; said: string }[]): void {
    this.#made += 1
    this.blocks.push({ hash: `block-${this.#made}`, events })
  }

  replaceLast(depth: number): void {
    this.blocks.splice(Math.max(1, this.blocks.length - depth))
  }

  /** What a reader without any cache finds. */
  truth(): Map<string, string> {
    return new Map(this.blocks.flatMap(({ events }) => events.map(({ about, said }) => [about, said])))
  }

  client(confirmations: number): Chain {
    const block = (number: number) => {
      const found = this.blocks[number]
      return found && { number, hash: found.hash, at: unixSeconds(number) }
    }
    const newest = () => this.blocks.length - 1
    return {
      deployment: { chainId: 1, fromBlock: 0 },
      head: async () => block(newest()),
      confirmed: async () => block(Math.max(0, newest() - confirmations)),
      rpc: {
        getBlock: async (number: number) => block(number) ?? null,
        getLogs: async ({ fromBlock, toBlock }: { fromBlock: number; toBlock: number }) => {
          this.asked.push([fromBlock, toBlock])
          return this.blocks
            .slice(fromBlock, toBlock + 1)
            .flatMap(({ events }) =>
              events.map(({ about, said }) => ({ topics: ['0x01', about], data: said })),
            )
        },
      },
    } as unknown as Chain
  }
}

let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pontage-cache-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const found = async (chain: Chain) =>
  new Map((await newestLogs(home, chain, query)).map(({ topics, data }) => [topics[1], data]))

describe('the cache of events', () => {
  it('finds what the chain has, whatever was mined, replaced and read before', async () => {
    const events = fc.array(fc.record({ about: fc.constantFrom('a', 'b', 'c'), said: fc.string() }), {
      maxLength: 3,
    })
    const step = fc.oneof(
      events.map((mined) => ({ mined })),
      fc.record({ replaced: fc.nat({ max: 4 }) }),
      fc.record({ read: fc.constant(true) }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.nat({ max: 2 }),
        async (steps, confirmations) => {
          await rm(join(home, 'cache'), { recursive: true, force: true })
          const chain = new MemoryChain()
          for (const each of steps) {
            if ('mined' in each) chain.mine(each.mined)
            else if ('replaced' in each) chain.replaceLast(each.replaced)
            else expect(await found(chain.client(confirmations))).toEqual(chain.truth())
          }
          expect(await found(chain.client(confirmations))).toEqual(chain.truth())
        },
      ),
      { numRuns: 60 },
    )
  })

  it('asks for confirmed blocks once', async () => {
    const chain = new MemoryChain()
    for (let block = 0; block < 10; block++) chain.mine([{ about: `${block}`, said: 'x' }])
    await found(chain.client(2))
    chain.asked = []
    chain.mine([{ about: 'new', said: 'y' }])
    expect((await found(chain.client(2))).size).toBe(11)
    expect(Math.min(...chain.asked.map(([from]) => from))).toBe(9)
  })

  it('does without a cache that is damaged, another chain’s, or cannot be written', async () => {
    const chain = new MemoryChain()
    chain.mine([{ about: 'a', said: '1' }])
    await found(chain.client(0))
    await writeFile(join(home, 'cache', 'events.json'), '{"chainId":1,')
    expect(await found(chain.client(0))).toEqual(chain.truth())
    const other = new MemoryChain()
    other.mine([])
    expect((await found(other.client(0))).size).toBe(1) // Block 1 has the same number and hash there.
    other.blocks = [
      { hash: 'another', events: [] },
      { hash: 'chain', events: [] },
    ]
    expect((await found(other.client(0))).size).toBe(0)
    expect(await readdir(home)).toEqual(['cache'])
    expect(await newestLogs('/dev/null/nowhere', chain.client(0), query)).toHaveLength(1)
  })
})
