import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import fc from 'fast-check'
import { afterEach, expect, it, vi } from 'vitest'
import { Bursts, burstsOf, type Cut } from './bursts.js'

const open: Socket[] = []
afterEach(() => {
  for (const each of open.splice(0)) each.close()
})

/** A sender, what arrives at the other end, and how often the kernel was called for it. */
async function connected(cut?: (...given: ConstructorParameters<typeof Bursts>) => Cut) {
  const [from, to] = [createSocket('udp4'), createSocket('udp4')]
  open.push(from, to)
  to.bind(0, '127.0.0.1')
  from.bind(0, '127.0.0.1')
  await Promise.all([once(to, 'listening'), once(from, 'listening')])
  to.setRecvBufferSize(4_194_304)
  from.connect(to.address().port, '127.0.0.1')
  await once(from, 'connect')
  const arrived: Buffer[] = []
  to.on('message', (packet) => arrived.push(packet))
  const calls = vi.spyOn(from, 'send')
  const bursts = cut ? new Bursts(from, cut(from)) : new Bursts(from)
  return { bursts, arrived, calls }
}

const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}
const packet = (size: number, mark: number) => Buffer.alloc(size, mark)

it('sends a frame of packets of one size with one call, and each arrives by itself', async () => {
  const { bursts, arrived, calls } = await connected()
  const packets = Array.from({ length: 40 }, (_, mark) => packet(1_452, mark))
  bursts.send([...packets, packet(96, 40)])
  await until(() => arrived.length === 41)
  expect(arrived).toEqual([...packets, packet(96, 40)])
  expect(calls).toHaveBeenCalledTimes(1)
})

it('delivers whatever sizes come, in their order', async () => {
  const { bursts, arrived } = await connected()
  const sizes = fc.array(fc.oneof(fc.constantFrom(32, 96, 148, 1_452), fc.integer({ min: 32, max: 2_000 })), {
    maxLength: 30,
  })
  await fc.assert(
    fc.asyncProperty(sizes, async (given) => {
      arrived.length = 0
      const packets = given.map((size, mark) => packet(size, mark))
      bursts.send(packets)
      await until(() => arrived.length >= packets.length)
      expect(arrived.map(({ length }) => length)).toEqual(given)
      expect(arrived).toEqual(packets)
    }),
    { numRuns: 200 },
  )
})

it('sends them one by one where the kernel does not cut', async () => {
  const asked: number[] = []
  const { bursts, arrived, calls } = await connected(() => (size) => {
    asked.push(size)
    return false
  })
  const packets = [1, 2, 3].map((mark) => packet(1_000, mark))
  bursts.send(packets)
  bursts.send(packets)
  await until(() => arrived.length === 6)
  expect(arrived).toEqual([...packets, ...packets])
  expect(asked).toEqual([1_000, 0])
  expect(calls).toHaveBeenCalledTimes(6)
})

it('stops sending them together once the kernel refuses to', async () => {
  const cuts: number[] = []
  const failing = (error: string): ConstructorParameters<typeof Bursts> => [
    {
      send: (...given: unknown[]) => {
        sent.push([given[0]].flat() as Buffer[])
        const done = given.at(-1)
        if (typeof done === 'function') done(Object.assign(new Error(error), { code: error }))
      },
    } as unknown as Socket,
    (size) => cuts.push(size) > 0,
  ]
  const sent: Buffer[][] = []
  const packets = [1, 2].map((mark) => packet(500, mark))
  for (const [error, then] of [
    ['EIO', [packets, [packets[0]], [packets[1]]]],
    ['ECONNREFUSED', [packets, packets]],
  ] as const) {
    sent.length = 0
    const bursts = new Bursts(...failing(error))
    bursts.send(packets)
    bursts.send(packets)
    expect(sent, error).toEqual(then)
  }
  expect(cuts).toEqual([500, 0, 500])
})

it('puts no more together than the kernel takes, and all of it', () =>
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 32, max: 40 }), { maxLength: 300 }), (sizes) => {
      const packets = sizes.map((size) => packet(size, 0))
      const bursts = burstsOf(packets)
      expect(bursts.flat()).toEqual(packets)
      for (const burst of bursts) {
        const [first] = burst
        expect(burst.length).toBeLessThanOrEqual(64)
        expect(burst.slice(0, -1).every(({ length }) => length === first?.length)).toBe(true)
        expect(burst.at(-1)?.length).toBeLessThanOrEqual(Number(first?.length))
      }
    }),
  ))
