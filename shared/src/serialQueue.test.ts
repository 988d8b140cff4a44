import { expect, it } from 'vitest'
import { SerialQueue } from './serialQueue.js'

/** Work that ends when it is told to. */
function held() {
  let end: () => void = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  return { end, work: () => ended }
}

it('begins work when what was asked for before has ended', async () => {
  const queue = new SerialQueue()
  const seen: string[] = []
  const first = held()
  const one = queue.run(async () => {
    seen.push('one begins')
    await first.work()
    seen.push('one ends')
  })
  const two = queue.run(() => void seen.push('two'))
  await Promise.resolve()
  expect(seen).toEqual(['one begins'])
  first.end()
  await Promise.all([one, two])
  expect(seen).toEqual(['one begins', 'one ends', 'two'])
})

it('gives each caller its own result, and a failure to nobody else', async () => {
  const queue = new SerialQueue()
  const failing = queue.run(() => Promise.reject(new Error('the disk is full')))
  const throwing = queue.run(() => {
    throw new Error('not even begun')
  })
  const working = queue.run(() => 7)
  await expect(failing).rejects.toThrow('the disk is full')
  await expect(throwing).rejects.toThrow('not even begun')
  expect(await working).toBe(7)
})

it('is idle only when the work that was added meanwhile has ended too', async () => {
  const queue = new SerialQueue()
  const seen: string[] = []
  queue
    .run(() => {
      seen.push('first')
      void queue.run(() => void seen.push('added'))
      return Promise.reject(new Error('failed'))
    })
    .catch(() => undefined)
  await queue.idle()
  expect(seen).toEqual(['first', 'added'])
})
