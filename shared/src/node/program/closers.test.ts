import { expect, it } from 'vitest'
import { Closers, withClosers } from './closers.js'
import { UserError } from './userError.js'

it('closes in reverse order, one after the other', async () => {
  const closed: string[] = []
  const closers = new Closers()
  closers.add('database', () => closed.push('database'))
  closers.add('queue', async () => {
    await Promise.resolve()
    closed.push('queue')
  })
  closers.opened('socket', { close: () => closed.push('socket') })
  await closers.close()
  expect(closed).toEqual(['socket', 'queue', 'database'])
})

it('tries every one, and names all that failed at the end', async () => {
  const closed: string[] = []
  const closers = new Closers()
  closers.add('firewall', () => {
    throw new Error('nft is gone')
  })
  closers.add('lock', () => closed.push('lock'))
  closers.add('store', () => Promise.reject(new Error('disk full')))
  await expect(closers.close()).rejects.toThrow(
    'Not everything could be closed: store: disk full; firewall: nft is gone',
  )
  expect(closed).toEqual(['lock'])
})

it('closes each once, however often it is asked', async () => {
  let times = 0
  const closers = new Closers()
  closers.add('store', async () => {
    await Promise.resolve()
    times++
  })
  await Promise.all([closers.close(), closers.close()])
  await closers.close()
  expect(times).toBe(1)
})

it('closes what was opened while the rest was being closed', async () => {
  const closed: string[] = []
  const closers = new Closers()
  closers.add('first', () => closed.push('first'))
  closers.add('second', () => {
    closers.add('late', () => closed.push('late'))
    closed.push('second')
  })
  await closers.close()
  expect(closed).toEqual(['second', 'late', 'first'])
})

it('closes however the work ends, and says both failures where there are two', async () => {
  const closed: string[] = []
  expect(
    await withClosers(async (closers) => {
      closers.add('a', () => closed.push('a'))
      return 1
    }),
  ).toBe(1)
  const wrong = new UserError('The port is taken.')
  await expect(
    withClosers(async (closers) => {
      closers.add('b', () => closed.push('b'))
      throw wrong
    }),
  ).rejects.toBe(wrong)
  expect(closed).toEqual(['a', 'b'])
  const both = withClosers(async (closers) => {
    closers.add('firewall', () => Promise.reject(new Error('nft is gone.')))
    throw wrong
  })
  await expect(both).rejects.toThrow(
    'The port is taken. Not everything could be closed: firewall: nft is gone.',
  )
  await expect(both).rejects.toBeInstanceOf(UserError)
})
