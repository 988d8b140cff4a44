import { systemClock, wei } from '@pontage/shared'
import { connectLink, createLog, decodeAccepted, encodePromise, type Link } from '@pontage/shared/node'
import type { LoadOrder, LoadReport } from './acceptance.js'
import { newPayer, typedData } from './cast.js'

// The payers: they sign everything first, then send it as fast as it is acknowledged.

/** Promises on the way on one connection. */
const window = 64

const tell = (report: LoadReport) => process.send?.(report)

process.once('message', (order: LoadOrder) => {
  void run(order).catch((error: Error) => {
    console.error(error)
    process.exit(1)
  })
})

async function run({ url, provider, payers, promisesEach }: LoadOrder): Promise<void> {
  const log = createLog('payers', 'error')
  const all = Array.from({ length: payers }, (_, index) => {
    const payer = newPayer(index + 1)
    const frames = Array.from({ length: promisesEach }, (_each, count) => {
      const document = { channelId: payer.channelId, provider, amount: wei(BigInt(count + 1)) }
      const signature = typedData.sign('MicroPromise', document, payer.identity.privateKey)
      return encodePromise({ channelId: payer.channelId, amount: document.amount, signature })
    })
    return { payer, frames }
  })
  const sending = await Promise.all(
    all.map(async ({ payer, frames }) => {
      const acknowledged = { to: 0, wake: () => {} }
      const answer = await connectLink({
        url,
        self: { identity: payer.identity, typedData, clock: systemClock },
        handlers: {
          frame: (frame) => {
            acknowledged.to = Number(decodeAccepted(frame) ?? 0n)
            acknowledged.wake()
            return undefined
          },
        },
        log,
      })
      if (!answer.ok) throw new Error(`No connection: ${answer.refusal.code}`)
      return () => send(answer.link, frames, acknowledged)
    }),
  )
  process.once('message', () => {
    void Promise.all(sending.map((start) => start())).then(() => tell({ type: 'done' }))
  })
  tell({
    type: 'ready',
    parties: all.map(({ payer }) => payer.parties),
    channelIds: all.map(({ payer }) => payer.channelId),
  })
}

async function send(
  link: Link,
  frames: readonly Buffer[],
  acknowledged: { to: number; wake: () => void },
): Promise<void> {
  for (const [index, frame] of frames.entries()) {
    while (index - acknowledged.to >= window)
      await new Promise<void>((resolve) => {
        acknowledged.wake = resolve
      })
    link.sendFrame(frame)
  }
  while (acknowledged.to < frames.length)
    await new Promise<void>((resolve) => {
      acknowledged.wake = resolve
    })
}
